import asyncio

import verifiers.v1 as vf


class Data(vf.TaskData):
    ground_truth: str
    verifier: str = "mathverify"
    format_ratio: float = 0.0


class Sum(vf.Task[Data]):
    """Your task. With prime-rl's command line: --env.taskset.task.rewards.v_triune.fn v_triune.prime:v_triune"""


reward = vf.RewardFunctionConfig(fn="v_triune.prime:v_triune")
task = Sum(Data(prompt="2 + 2?", ground_truth="4"), vf.TaskConfig(rewards={"v_triune": reward}))
for answer in ("\\boxed{4}", "\\boxed{5}"):
    reply = vf.MessageNode(message=vf.AssistantMessage(content=answer), sampled=True)
    trace = vf.Trace(task=vf.TraceTask(type="Sum", data=task.data), agent=vf.AgentInfo(config=vf.AgentConfig()), nodes=[reply])
    asyncio.run(task.score(trace))
    print(trace.rewards["v_triune"].value, trace.metrics)
# 1.0 {'v_triune/accuracy': 1.0, 'v_triune/format': 0.0}
# 0.0 {'v_triune/accuracy': 0.0, 'v_triune/format': 0.0}

import asyncio

import v_triune

print(v_triune.verify("The width is \\boxed{50\\text{ mm}}.", "5 cm").reward)
print(v_triune.verify([{"type": "text", "text": "It was June 2016."}], "May 2016").reward)
print(v_triune.verify("4", "").status)  # a bad gold answer: no reward, not a 0

boxes = "<answer>[{'bbox_2d': [0, 0, 100, 100], 'label': 'cat'}]</answer>"
near = boxes.replace("100, 100", "100, 90")
verdict = asyncio.run(v_triune.verify_async(near, boxes, verifier="detection", params={"epsilon": 0.5}))
print(round(verdict.accuracy, 2), sorted(verdict.metrics)[:2])

samples = [{"response": str(n), "ground_truth": "4"} for n in range(3, 6)]
print([verdict.reward for verdict in v_triune.verify_many(samples)])
# 1.0
# 0.0
# skipped
# 0.93 ['pure_iou_score_max_iou', 'pure_iou_score_max_label']
# [0.0, 1.0, 0.0]

/**
 * What a person may write: the keys of `TrainingConfig`, nearly all optional, with short forms (a path for a model, a
 * glob for data). A resolved configuration is itself valid input, so that the one in a run.json can start another run.
 */
import { CALL_FORMS } from "@v-triune/rollouts/tool-names";
import { BOX_CONVENTIONS } from "@v-triune/verifiers";
import { type } from "arktype";
import { BACKEND_SETTINGS, PRESETS } from "./training-config";

const positive = "number > 0";
const nonNegative = "number >= 0";
const share = "0 <= number <= 1";
const count = "number.integer >= 1";
const countOrNull = "(number.integer >= 1) | null";
const text = "string > 0";
const textOrNull = "string > 0 | null";

const dataSet = type({ "+": "reject", path: text, "weight?": positive, "cap?": countOrNull });
const dataSets = type(text).or(dataSet).or(type(text).or(dataSet).array());
const sampling = type({
  "+": "reject",
  difficulty: {
    "+": "reject",
    "band?": [share, share],
    "outside?": share,
    "decay?": "0 <= number < 1",
    "floor?": share,
  },
}).or("null");
const iouEpsilon = type("0 < number < 1 | 'average'");
const iouStages = type({ "+": "reject", until: "0 < number <= 1", epsilon: iouEpsilon }).array().atLeastLength(1);
const adaptiveStage = type({ "+": "reject", from: share, rise: positive, accuracy: share, deviation: nonNegative });
/** Besides `schedule`: keys of "adaptive". */
const iouSchedule = {
  "+": "reject",
  schedule: iouStages.or("'adaptive'"),
  "start?": "0 < number <= 1",
  "target?": "0 < number <= 1",
  "window?": count,
  "margin?": "0 <= number < 1",
  "stages?": adaptiveStage.array().atLeastLength(1),
} as const;
const adapter = type({
  "+": "reject",
  "rank?": count,
  "alpha?": positive,
  "targetModules?": "string > 0 | string[] >= 1 | null",
}).or("null");
const weightDtype = type("'float32' | 'bfloat16'");
const url = type(/^https?:\/\/[^/\s]+/).describe("a server's address such as http://127.0.0.1:8000");
const urls = url.or(url.array().atLeastLength(1));
const engine = type({
  "+": "reject",
  "kind?": "'auto' | 'vllm' | 'sglang' | 'transformers' | 'llama.cpp' | 'openai'",
  servers: urls,
  "model?": textOrNull,
  "apiKeyEnv?": textOrNull,
  "parallel?": countOrNull,
  "timeout?": positive,
  "retries?": "number.integer >= 0",
  "promptTokens?": "'error' | 'warn'",
  "staleWeights?": "'error' | 'allow'",
  "weights?": {
    "+": "reject",
    "sync?": "'auto' | 'sglang' | 'lora' | 'reload' | 'path' | 'none'",
    "folder?": textOrNull,
    "serverFolder?": textOrNull,
  },
});
const keyVariable = type(/^env:[A-Za-z_][A-Za-z0-9_]*$/)
  .describe("env:NAME, the variable that holds the key")
  .or("null");
const trainerEngine = type({
  "+": "reject",
  url,
  "apiKey?": keyVariable,
  model: text,
  "adapter?": type({ "+": "reject", "rank?": count }).or("null"),
  "objective?": "'own' | 'server'",
});
const teacherServer = type({
  "+": "reject",
  kind: "'vllm' | 'sglang' | 'tinker'",
  url,
  "model?": textOrNull,
  "apiKey?": keyVariable,
  "timeout?": positive,
});
const rejectionStatistic = type.enumerated(
  "token_k1",
  "token_k2",
  "token_k3",
  "seq_sum_k1",
  "seq_sum_k2",
  "seq_sum_k3",
  "seq_mean_k1",
  "seq_mean_k2",
  "seq_mean_k3",
  "seq_max_k2",
  "seq_max_k3",
);
const componentWeights = type({
  "+": "reject",
  "accuracy?": nonNegative,
  "format?": nonNegative,
  "overlong?": nonNegative,
  "iou_max_label_first?": nonNegative,
  "iou_max_iou_first?": nonNegative,
  "map?": nonNegative,
  "map50?": nonNegative,
  "map75?": nonNegative,
});
const boxConvention = type.enumerated(...BOX_CONVENTIONS);
const tool = type(text)
  .or({
    "+": "reject",
    name: "'crop'",
    "boxes?": boxConvention,
    "minSide?": count,
    "maxRatio?": "number >= 1",
    "square?": "boolean",
    "notes?": "boolean",
    "from?": "'stored' | 'seen' | 'blank'",
  })
  .or({ "+": "reject", name: "'rotate' | 'mark' | 'measure' | 'calculate'" })
  .or({ "+": "reject", module: text });
const turns = type({
  "+": "reject",
  "max?": count,
  "tools?": tool.or(tool.array()),
  "form?": type.enumerated(...CALL_FORMS),
  "overTurn?": "'mask' | 'penalize'",
  "offer?": text,
  "maxShownTokens?": count,
  "maxShownPixels?": countOrNull,
  "deadline?": positive,
  "maxCalls?": countOrNull,
  "memoryMb?": "number >= 16",
}).or("null");
const parameterGroup = type({ "+": "reject", "lr?": nonNegative, "freeze?": "boolean" });

/** Validates the input; `configProblems` in config-problems.ts turns what it finds into sentences. */
const alarmRule = type({
  "+": "reject",
  "limit?": "number",
  "share?": share,
  "factor?": positive,
  "least?": "number",
  "window?": count,
  "severity?": "'warn' | 'stop'",
});

export const trainingConfigSchema = type({
  "+": "reject",
  "preset?": type.enumerated(...PRESETS),
  model: type(text)
    .or({ "+": "reject", "init?": "'pretrained'", path: text, "adapter?": adapter, "dtype?": weightDtype })
    .or({
      "+": "reject",
      init: "'random'",
      config: "string > 0 | object",
      tokenizer: text,
      "adapter?": adapter,
      "dtype?": weightDtype,
    }),
  data: { "+": "reject", train: dataSets, "eval?": dataSets.or("null"), "sampling?": sampling },
  "run?": { "+": "reject", "name?": text, "folder?": text, "seed?": "number.integer >= 0", "steps?": count },
  "rollout?": {
    "+": "reject",
    "promptsPerStep?": count,
    "n?": count,
    "temperature?": positive,
    "topP?": "0 < number <= 1",
    "topK?": countOrNull,
    "maxNewTokens?": count,
    "maxPromptTokens?": countOrNull,
    "dynamicSampling?": { "+": "reject", "enabled?": "boolean", "maxRounds?": count },
    "engine?": type("'local'").or(url).or(engine),
    "decodeWith?": "'auto' | 'kernels' | 'backend'",
    "asyncLevel?": "0 | 1",
    "correction?": {
      "+": "reject",
      "importance?": "'token' | 'sequence' | 'none'",
      "threshold?": positive,
      "lower?": "number > 0 | null",
      "normalise?": "boolean",
      "rejection?": type({
        "+": "reject",
        statistic: rejectionStatistic,
        upper: positive,
        "lower?": "number > 0 | null",
      }).or("null"),
    },
    "turns?": turns,
  },
  "reward?": {
    "+": "reject",
    "normalised?": "boolean",
    "iou?": { ...iouSchedule, "bySource?": type({ "[string]": iouSchedule }).or("null") },
    "boxes?": "'resized-pixels' | 'thousandths' | 'thousandths-999' | 'unit' | 'yx-thousandths' | null",
    "repeatedBoxes?": "'charge' | null",
    "accuracyRatio?": "number >= 0 | null",
    "formatRatio?": "number >= 0 | null",
    "overlong?": type({ "+": "reject", "buffer?": count, "penalty?": positive }).or("null"),
    "tools?": type({
      "+": "reject",
      "whenRight?": nonNegative,
      "curiosity?": nonNegative,
      "curiosityTarget?": share,
      "faithfulness?": nonNegative,
      "faithfulnessBy?": "'iou' | 'containment'",
      "callCost?": nonNegative,
    }).or("null"),
    "judge?": textOrNull,
    "servers?": url.or(url.array()),
    "tokenEnv?": textOrNull,
  },
  "algorithm?": {
    "+": "reject",
    "advantage?": "'grpo' | 'dr-grpo' | 'rloo' | 'gdpo' | 'reinforce++' | 'reinforce++-baseline'",
    "componentWeights?": componentWeights.or("null"),
    "perSource?": "boolean",
    "loss?": "'ppo' | 'gspo' | 'cispo' | 'gmpo' | 'sapo'",
    "clipLow?": "0 < number <= 1",
    "clipHigh?": positive,
    "dualClip?": "number > 1 | null",
    "tau?": { "+": "reject", "positive?": positive, "negative?": positive },
    "aggregation?":
      "'token-mean' | 'token-sum' | 'seq-mean-token-sum' | 'seq-mean-token-mean' | 'seq-mean-token-sum-norm'",
    "kl?": {
      "+": "reject",
      "coefficient?": nonNegative,
      "estimator?": "'k1' | 'k2' | 'k3' | 'mse' | 'abs'",
      "in?": "'loss' | 'reward'",
    },
    "distillation?": type({
      "+": "reject",
      teacher: type(text).or(teacherServer),
      "updateRate?": "0 <= number <= 1",
      "picture?": "'whole' | 'look-at'",
      "divergence?": type({
        "+": "reject",
        "over?": "'policy' | 'teacher'",
        "topK?": count,
        "alpha?": "0 <= number <= 1",
        "tail?": "boolean",
      }).or("null"),
      "weight?": positive,
      "rewards?": "boolean",
      "clamp?": "number > 0 | null",
    }).or("null"),
    "maskTruncated?": "boolean",
    "entropyCoefficient?": "number",
  },
  "optimizer?": {
    "+": "reject",
    "lr?": positive,
    "betas?": ["0 <= number < 1", "0 <= number < 1"],
    "eps?": positive,
    "weightDecay?": nonNegative,
    "warmupRatio?": share,
    "schedule?": "'constant' | 'linear' | 'cosine'",
    "maxGradNorm?": "number > 0 | null",
    "groups?": { "+": "reject", "vision?": parameterGroup, "connector?": parameterGroup, "language?": parameterGroup },
  },
  "update?": {
    "+": "reject",
    "miniBatch?": count,
    "microBatchTokens?": count,
    "epochs?": count,
    "gradientCheckpointing?": "boolean | 'mlp' | 'auto'",
    "computeWith?": "'auto' | 'kernels' | 'backend'",
  },
  "training?": { "+": "reject", "engine?": type("'local'").or(trainerEngine) },
  "promptPool?": { "+": "reject", "enabled?": "boolean", "file?": textOrNull },
  "evaluation?": {
    "+": "reject",
    "every?": countOrNull,
    "samplesPerSource?": countOrNull,
    "epsilon?": iouEpsilon,
    "n?": count,
    "temperature?": nonNegative,
    "maxNewTokens?": count,
  },
  "checkpoint?": {
    "+": "reject",
    "every?": countOrNull,
    "keep?": countOrNull,
    "keepBest?": type({ "+": "reject", "metric?": text, "mode?": "'max' | 'min'" }).or("null"),
  },
  "monitor?": {
    "+": "reject",
    "tensorboard?": "boolean",
    "csv?": "boolean",
    "prometheus?": textOrNull,
    "mlflow?": type({ "+": "reject", url: text, experiment: text }).or("null"),
    "trackio?": type({ "+": "reject", url: text, project: text }).or("null"),
    "rollouts?": { "+": "reject", "every?": countOrNull, "keep?": countOrNull },
    "alarms?": {
      "+": "reject",
      "enabled?": "boolean",
      "onAlarm?": "'tell' | 'stop'",
      "webhook?": type(url).or("null"),
      "rules?": { "[string]": alarmRule.or("false") },
    },
  },
  "backend?": type.enumerated(...BACKEND_SETTINGS),
  "workers?": "'auto' | number.integer >= 1",
  "strict?": "boolean",
});

/** A training configuration as it is written. */
export type TrainingConfigInput = typeof trainingConfigSchema.inferIn;

import { evaluateCoco, matchBoxes, parseBoxes } from "@v-triune/verifiers/detection";

// Boxes from a model's text, matched with the gold ones.
const predicted = parseBoxes("[{'bbox_2d': [0, 0, 10, 10], 'label': 'cat'}]");
const [match] = matchBoxes(predicted, [{ bbox: [0, 0, 10, 8], label: "cat" }]);
console.log(match?.iou);

// COCO's average precision, as pycocotools computes it.
const { stats } = evaluateCoco({
  images: [{ id: 1 }],
  categories: [{ id: 7 }],
  annotations: [{ image_id: 1, category_id: 7, bbox: [0, 0, 10, 8] }],
  detections: [{ image_id: 1, category_id: 7, bbox: [0, 0, 10, 10], score: 0.9 }],
});
console.log(stats.ap.toFixed(2), stats.ap50.toFixed(2));
// 0.8
// 0.70 1.00

"""Pictures through transformers' image processor (the one that resizes by Pillow), as told by a model folder.

    python process.py JOBS.json OUT.safetensors

JOBS.json: [{key, folder, picture}]. Prints {key: {grid} or {error}} after the word RESULT; pixel_values are in OUT.
"""

import json
import sys
import warnings

from PIL import Image
from safetensors.numpy import save_file

warnings.filterwarnings("ignore")
try:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil as Processor
except ImportError:
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor as Processor

found, values = {}, {}
for job in json.load(open(sys.argv[1])):
    try:
        out = Processor.from_pretrained(job["folder"])(images=[Image.open(job["picture"])], return_tensors="np")
        found[job["key"]] = {"grid": out["image_grid_thw"].tolist()[0]}
        values[job["key"]] = out["pixel_values"].astype("float32")
    except Exception as error:
        found[job["key"]] = {"error": f"{type(error).__name__}: {error}"[:300]}
save_file(values, sys.argv[2])
print("RESULT " + json.dumps(found))

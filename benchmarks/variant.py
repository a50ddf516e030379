"""How is a CT predicted with other numbers of windows at once, or with compiled windows?

Run by predict_speed.py: python benchmarks/variant.py CT -o OUT WEIGHTS DEVICE [--windows N] [--compiled BY].

The same as `omentum predict` but for these, which are no options of the command line as long as no machine
has shown that they pay. The CT is predicted twice, and the second time counts: to compile takes a minute, and
a run over many CTs does it once.
"""

import argparse
import tempfile
from pathlib import Path

from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predict_files import FolderPlan, predict_files


def main(given: argparse.Namespace) -> None:
    config = InferenceConfig(windows_at_once=given.windows, compiled=given.compiled)
    predictor = NetworkPredictor("it", given.weights, device=given.device, config=config)
    with tempfile.TemporaryDirectory() as before:
        for out in (Path(before), given.out):
            plan = FolderPlan(sources={"ct": given.ct}, out=out, predictor=predictor)
            batch = predict_files(plan)
            if batch.failed:
                raise SystemExit(batch.failed[0].reason)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ct", type=Path)
    parser.add_argument("-o", dest="out", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("device")
    parser.add_argument("--windows", type=int)
    parser.add_argument("--compiled", default="")
    main(parser.parse_args())

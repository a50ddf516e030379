"""Work as a reader does with MONAI Label's own client, and print what it got.

It is run by the Python of the client's environment: `monai_label_session.py URL FOLDER [NAME PASSWORD]`.
"""

import gzip
import json
import sys
import urllib.request
from pathlib import Path

from monailabel.client import MONAILabelClient
from monailabel.client.client import MONAILabelClientException


def main(url: str, folder: str, *login: str) -> None:
    """Ask for the next task, draw nothing but one voxel less, and send it."""
    client = MONAILabelClient(url, tmpdir=folder, client_id="slicer")
    told: dict[str, object] = {"auth": client.auth_enabled()}
    if login:
        client.update_auth(client.auth_token(*login))
        told["valid"] = client.auth_valid_token()
    told["info"] = client.info()
    sample = client.next_sample("omentum", {"organ": "any"})
    told["sample"] = sample
    if not login:  # 3D Slicer downloads without a header
        with urllib.request.urlopen(url + sample["url"]) as answer:
            told["ct"] = len(gzip.decompress(answer.read()))
    image = sample["id"]
    label, params = client.infer("omentum", image, {"organs": "all"})
    told["params"] = params
    names = params["label_names"]
    shuffled = {name: 1 + len(names) - number for name, number in names.items()}
    path = _renumbered(Path(label), {names[name]: shuffled[name] for name in names})
    info = [{"name": name, "idx": number} for name, number in shuffled.items()]
    told["saved"] = client.save_label(image, str(path), params={"label_info": info})
    told["datastore"] = sorted(client.datastore()["objects"])
    told["label"] = Path(client.download_label(image, "final")).name
    told["training"] = client.train_status(check_if_running=True)
    info[0]["name"] = "livre"
    told["refused"] = _refusals(client, image, str(path), info)
    print(json.dumps(told))


def _renumbered(path: Path, numbers: dict[int, int]) -> Path:
    """Give the labels other numbers, and erase the last voxel of the first organ; the header stays."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    voxels = bytearray(content[352:]).translate(bytes(numbers.get(value, value) for value in range(256)))
    at = voxels.rindex(numbers[max(numbers)])
    voxels[at] = 0
    out = path.with_name("label_in.nii.gz")
    out.write_bytes(gzip.compress(bytes(content[:352]) + bytes(voxels)))
    return out


def _refusals(client: MONAILabelClient, image: str, path: str, info: list[dict]) -> dict[str, str]:
    acts = {
        "upload": lambda: client.upload_image(path, "x"),
        "session": lambda: client.create_session(path),
        "train": lambda: client.train_start("omentum", {}),
        "stop": client.train_stop,
        "unknown name": lambda: client.save_label(image, path, params={"label_info": info}),
    }
    refused = {}
    for name, act in acts.items():
        try:
            act()
        except MONAILabelClientException as error:
            refused[name] = str(error.msg)
    return refused


main(*sys.argv[1:])

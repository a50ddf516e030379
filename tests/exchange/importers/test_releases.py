import json
from hashlib import sha256

import pytest

from omentum.exchange.importers.releases import find_release


@pytest.mark.parametrize("line", ["{sha}  {name}\n", "{sha} *{name}\n", "{sha} *{name}\r\n"])
def test_sums_are_read_as_programs_of_any_system_write_them(tmp_path, line):
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"files": {}}))
    sums = line.format(sha=sha256(manifest.read_bytes()).hexdigest(), name=manifest.name)
    (tmp_path / "SHA256SUMS").write_bytes(sums.encode())
    found = find_release(tmp_path)
    assert found is not None
    assert (found.unusable, found.left_out) == ((), ())

import subprocess
import sys

import torch

from omentum.tune.adamw import AdamW

RATES = (0.1, 0.05, 0.01, 0.01)


def test_steps_are_those_of_pytorch_to_the_bit():
    random = torch.Generator().manual_seed(0)
    shapes = ((3, 4), (5,), (2, 3, 1))
    ours = [torch.randn(shape, generator=random) for shape in shapes]
    theirs = [one.clone().requires_grad_() for one in ours]
    one, other = AdamW(ours), torch.optim.AdamW(theirs, weight_decay=0.0, fused=True)
    for rate in RATES:
        gradients = [torch.randn(shape, generator=random) for shape in shapes]
        one.step(gradients, rate)
        other.param_groups[0]["lr"] = rate
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = gradient
        other.step()
    for mine, expected in zip(ours, theirs, strict=True):
        assert torch.equal(mine, expected.detach())


def test_pytorchs_compiler_is_not_loaded():
    code = (
        "import sys, torch; from omentum.tune.adamw import AdamW; w = torch.ones(2);"
        " AdamW([w]).step([torch.ones(2)], 0.1); assert float(w[0]) < 1;"
        " assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

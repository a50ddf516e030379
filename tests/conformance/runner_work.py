"""Work for the tests of runners, in a module that other processes can import."""

from collections import Counter

from omentum.runners.steps import Steps


class Failing:
    """Work that notes its calls in a file, as it may be done anywhere, and fails where it is told to."""

    def __init__(self, log, errors=None):
        self.log, self.errors = log, errors or {}

    def __call__(self, item):
        with self.log.open("a") as log:
            log.write(f"{item}\n")
        if item in self.errors:
            raise self.errors[item]
        return item.upper()

    @property
    def calls(self):
        return Counter(self.log.read_text().split()) if self.log.exists() else Counter()


def in_steps(work, busy):
    """Give work in steps, of which one does it all."""
    return Steps(
        read=work if busy == "read" else str,
        compute=lambda item, given: work(item) if busy == "compute" else given,
        write=lambda item, made: work(item) if busy == "write" else made,
    )

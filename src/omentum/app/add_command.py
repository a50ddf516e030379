"""The commands that bring data sets in: `add`, and the lists that it reads."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from omentum import loop
from omentum.app.console import bars, end_batches, of_run, say_error, say_json
from omentum.app.options import AcceptValues, AsJson, HuOffset, listed
from omentum.errors import ConfigError
from omentum.exchange.add import Manner, OriginalLabel
from omentum.exchange.batch import ADD_STAGE, Labels
from omentum.exchange.data_sets import data_set_named
from omentum.exchange.datalist import datalist as list_cases
from omentum.exchange.datalist import read_datalist, write_datalist
from omentum.exchange.sources import Looked, Source, look_through
from omentum.project.project import Workspace, opened
from omentum.records import Batch, Failure

__all__ = ["add", "datalist"]

_SHOWN = 20
"""Most files that are left out and named for people; programs get all."""


def add(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="CTs, DICOM folders, lists (JSON), folders in any layout.")
    ] = None,
    case_id: Annotated[str | None, typer.Option("--id", help="Name of the one case.")] = None,
    dataset: Annotated[
        str, typer.Option(help="Public data set that it is a copy of, or a YAML file that describes one.")
    ] = "",
    label: Annotated[
        str | None,
        typer.Option(help="Original labels: a file, or a pattern beside each CT such as {name}_seg.nii.gz."),
    ] = None,
    label_ids: Annotated[
        str,
        typer.Option(
            help="What label values mean: omentum, abdomenatlas-1.0, abdomenatlas-1.1, "
            "totalsegmentator, an organ."
        ),
    ] = "",
    label_organs: Annotated[
        str, typer.Option(help="Organs that the labels annotate; the others are unknown, not empty.")
    ] = "",
    datalist: Annotated[
        Path | None, typer.Option(help="List of cases, as `omentum datalist` writes it.")
    ] = None,
    data_root: Annotated[Path | None, typer.Option(help="Folder that the list's paths start from.")] = None,
    resample_tilt: Annotated[
        bool, typer.Option("--resample-tilt", help="Put tilted DICOM series on an upright grid.")
    ] = False,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Keep DICOM copies that name nobody; hide names of folders.")
    ] = False,
    hu_offset: HuOffset = 0.0,
    accept_values: AcceptValues = False,
    check_labels: Annotated[
        bool, typer.Option(help="Let the plausibility rules look at original labels.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Add CTs. Example: omentum -C my-atlas add scans/ chaos_03/dicom --label labels.nii.gz."""
    looked = _looked(paths or [], dataset, datalist, data_root, label_ids)
    labels = _labels(looked, label, label_ids or "omentum", listed(label_organs)) if label else None
    manner = Manner(
        resample_tilt=resample_tilt,
        deidentify=deidentify,
        check_labels=check_labels,
        hu_offset=hu_offset,
        accept_values=accept_values,
    )
    with opened(context.obj) as workspace:
        with bars() as tell:
            added = loop.add_found(
                workspace, looked, case_id=case_id, labels=labels, manner=manner, tell=of_run(tell)
            )
        noted = _noted(workspace, added.cases)
    left_out = (*looked.left_out, *added.left_alone)
    unusable = (*added.predictions.failed, *added.revisions.failed)
    if as_json:
        say_json(
            {
                "added": noted,
                "before": added.cases.skipped,
                "failed": [{"case": one.key, "reason": one.reason} for one in added.cases.failed],
                "predictions": added.predictions.done,
                "revisions": added.revisions.done,
                "masks_failed": [{"mask": one.key, "reason": one.reason} for one in unusable],
                "left_out": [{"path": one.key, "reason": one.reason} for one in left_out],
            }
        )
    else:
        _say(left_out, noted)
        if added.predictions.done or added.revisions.done:
            n_predictions, n_revisions = len(added.predictions.done), len(added.revisions.done)
            typer.echo(f"took {n_predictions} predictions and {n_revisions} revisions that were made before")
    for mask in unusable:
        say_error(f"{mask.key} was set aside: {mask.reason}")
    end_batches([added.cases], "added")
    if unusable:
        raise typer.Exit(1)


def datalist(
    data_root: Annotated[Path, typer.Argument(help="Folder of all data sets.")],
    dataset: Annotated[str, typer.Argument(help="Folder of one in it, such as 04_LiTS.")],
    label_folder: Annotated[
        str | None, typer.Argument(help="Folder of its labels, after that of its CTs: --folder img label.")
    ] = None,
    folder: Annotated[str, typer.Option(help="Folder of its CTs.")] = "img",
    out: Annotated[Path, typer.Option("--out", "-o", help="The list.")] = Path("datalist.txt"),
) -> None:
    """List a data set's cases. Example: omentum datalist /data 04_LiTS --folder img label -o lits.txt."""
    lines = list_cases(data_root, dataset, folder, label_folder)
    write_datalist(out, lines)
    n_labels = sum("\t" in line for line in lines)
    typer.echo(f"{len(lines)} cases, {n_labels} with a label, are in {out}", err=True)


def _looked(
    paths: list[Path], dataset: str, datalist: Path | None, data_root: Path | None, label_ids: str
) -> Looked:
    if datalist is None:
        if not paths:
            raise ConfigError("PATH", None, "give what to add: files, folders, or a list with --datalist")
        return look_through(paths, data_set_named(dataset) if dataset else None)
    if paths or dataset:
        raise ConfigError("--datalist", str(datalist), "it goes without other paths and without --dataset")
    if data_root is None:
        raise ConfigError("--data-root", None, "a list needs the folder that its paths start from")
    return read_datalist(datalist, data_root, ids=label_ids or None)


def _labels(looked: Looked, pattern: str, ids: str, organs: tuple[str, ...]) -> Labels:
    """Find labels beside each CT; a file by its own path only where there is one CT."""
    single = Path(pattern) if len(looked.sources) == 1 and Path(pattern).is_file() else None

    def find(source: Source) -> OriginalLabel | None:
        path = source.beside(pattern) or single
        return None if path is None else OriginalLabel(path=path, ids=ids, organs=organs)

    n_found = sum(find(source) is not None for source in looked.sources)
    if not n_found:
        rule = f"none of the {len(looked.sources)} CTs has such a file beside it"
        raise ConfigError("--label", pattern, rule)
    typer.echo(f"{n_found} of {len(looked.sources)} CTs have a label", err=True)
    return find


def _noted(workspace: Workspace, batch: Batch) -> list[dict[str, Any]]:
    """Give what was noted of each case that came in now; the thumbnail is for programs of ours alone."""
    details = workspace.store.ledger.details(ADD_STAGE)
    cases = {case.case_id: case for case in workspace.store.cases.all()}
    return [
        {
            "case": case_id,
            "original_organs": cases[case_id].original_organs,
            **{name: value for name, value in details[case_id].items() if name != "thumbnail"},
        }
        for case_id in batch.done
    ]


def _say(left_out: Sequence[Failure], noted: list[dict[str, Any]]) -> None:
    """Tell people what is worth knowing, and no more than a screenful of files."""
    for one in noted:
        for text in _worth_knowing(one):
            typer.echo(f"{one['case']}: {text}")
    for file in left_out[:_SHOWN]:
        typer.echo(f"left out {file.key}: {file.reason}")
    rest = Counter(file.reason for file in left_out[_SHOWN:])
    for reason, number in rest.most_common():
        typer.echo(f"left out {number} more: {reason}")
    if rest:
        typer.echo("--json lists them all")


def _worth_knowing(noted: dict[str, Any]) -> list[str]:
    about_label = (*noted.get("label_notes", ()), *noted.get("label_findings", ()))
    told = [f"original label: {text}" for text in about_label]
    told += noted.get("ct_findings", ())
    if "same_voxels_as" in noted:
        told.append(f"it has the same voxels as {noted['same_voxels_as']}")
    if "likely_patient_of" in noted:
        told.append(f"it is likely of the same patient as {noted['likely_patient_of']}")
    if "patients_conflict" in noted:
        told.append("both patients were known before, so they stay apart; look whether one is held out")
    return told

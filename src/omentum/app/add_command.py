"""The commands that add data sets to a project: `add`, and the lists that it reads."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omentum.app.console import bars, end_batches, say_json
from omentum.app.options import (
    AcceptValues,
    AsJson,
    HuOffset,
    ResampleSlices,
    ResampleTilt,
    listed,
    project_of,
)
from omentum.choices import LABEL_SCHEMES
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.exchange.batch import Labels
    from omentum.exchange.import_options import ImportOptions
    from omentum.exchange.importers.source import FoundSources, Source
    from omentum.records import Failure

__all__ = ["add", "datalist"]


def add(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="CTs, DICOM folders, lists (JSON), folders in any layout; or one address such as s3://b/cts."
        ),
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
        typer.Option(help=f"What label values mean, if no names say it: {LABEL_SCHEMES}."),
    ] = "",
    label_organs: Annotated[
        str, typer.Option(help="Organs that the labels annotate; the others are unknown, not empty.")
    ] = "",
    datalist: Annotated[
        Path | None, typer.Option(help="List of cases, as `omentum datalist` writes it.")
    ] = None,
    data_root: Annotated[Path | None, typer.Option(help="Folder that the list's paths start from.")] = None,
    resample_tilt: ResampleTilt = False,
    resample_slices: ResampleSlices = False,
    deidentify: Annotated[
        bool,
        typer.Option(
            "--deidentify", help="Keep DICOM copies without patients' names; hide names of folders."
        ),
    ] = False,
    hu_offset: HuOffset = 0.0,
    accept_values: AcceptValues = False,
    check_labels: Annotated[
        bool, typer.Option(help="Check original labels with the plausibility rules.")
    ] = True,
    update_labels: Annotated[
        bool, typer.Option("--update-labels", help="Take labels of known cases that are new or changed.")
    ] = False,
    readmit: Annotated[
        bool, typer.Option("--readmit", help="Take CTs that were erased from the project.")
    ] = False,
    for_programs: AsJson = False,
) -> None:
    """Add CTs. Example: omentum -C my-atlas add scans/ chaos_03/dicom --label "{name}.seg.nrrd"."""
    from omentum import loop
    from omentum.app.say_added import added_rows, as_json, say_added, say_unusable
    from omentum.exchange.import_options import ImportOptions
    from omentum.volumes.object_store import is_address

    options = ImportOptions(
        resample_tilt=resample_tilt,
        resample_slices=resample_slices,
        deidentify=deidentify,
        check_labels=check_labels,
        hu_offset=hu_offset,
        accept_values=accept_values,
        update_labels=update_labels,
        readmit=readmit,
    )
    if any(is_address(path) for path in paths or ()):
        if len(paths or ()) > 1 or case_id or dataset or datalist:
            rule = "an address goes without other paths, --id, --dataset and --datalist"
            raise ConfigError("PATH", paths, rule)
        find = _beside(label, label_ids, listed(label_organs)) if label else None
        _add_address(context, (paths or [""])[0], find, options, for_programs)
        return
    looked = _looked([Path(one) for one in paths or ()], dataset, datalist, data_root, label_ids)
    labels = _labels(looked, label, label_ids, listed(label_organs)) if label else None
    with project_of(context) as project:
        with bars() as progress:
            added = loop.add_found(
                project, looked, case_id=case_id, labels=labels, options=options, progress=progress
            )
        rows = added_rows(project, added)
    left_out = (*_left_out(looked, labels), *added.left_alone)
    if for_programs:
        say_json(as_json(rows, added, left_out))
    else:
        say_added(rows, added, left_out)
    is_any_unusable = say_unusable(added)
    end_batches([added.cases], "added")
    if is_any_unusable:
        raise typer.Exit(1)


def _add_address(
    context: typer.Context, url: str, labels: "Labels | None", options: "ImportOptions", for_programs: bool
) -> None:
    """Add the CTs of an object store; each portion is told of once all are there."""
    from omentum import loop
    from omentum.app.say_added import added_rows, as_json, say_added, say_unusable

    with project_of(context) as project:
        with bars() as progress:
            portions = list(loop.add_address(project, url, labels=labels, options=options, progress=progress))
        told = [(added_rows(project, one), one, one.left_alone) for one in portions]
    if for_programs:
        say_json({"portions": [as_json(*one) for one in told]})
    else:
        for one in told:
            say_added(*one)
    n_unusable = sum(say_unusable(one) for one in portions)
    end_batches([one.cases for one in portions], "added")
    if n_unusable:
        raise typer.Exit(1)


def _beside(pattern: str, ids: str, organs: tuple[str, ...]) -> "Labels":
    """Find labels beside each CT."""
    from omentum.exchange.importers.labels import OriginalLabel

    def find(source: "Source") -> OriginalLabel | None:
        path = source.beside(pattern)
        return None if path is None else OriginalLabel(path=path, ids=ids, organs=organs)

    return find


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
    from omentum.exchange.importers.datalist import datalist as list_cases
    from omentum.exchange.importers.datalist import write_datalist

    lines = list_cases(data_root, dataset, folder, label_folder)
    write_datalist(out, lines)
    n_labels = sum("\t" in line for line in lines)
    typer.echo(f"{len(lines)} cases, {n_labels} with a label, are in {out}", err=True)


def _looked(
    paths: list[Path], dataset: str, datalist: Path | None, data_root: Path | None, label_ids: str
) -> "FoundSources":
    from omentum.exchange.importers.datalist import read_datalist
    from omentum.exchange.importers.dataset_descriptions import data_set_named
    from omentum.exchange.importers.find_sources import find_sources

    if datalist is None:
        if not paths:
            raise ConfigError("PATH", None, "give what to add: files, folders, or a list with --datalist")
        return find_sources(paths, data_set_named(dataset) if dataset else None)
    if paths or dataset:
        raise ConfigError("--datalist", str(datalist), "it goes without other paths and without --dataset")
    if data_root is None:
        raise ConfigError("--data-root", None, "a list needs the folder that its paths start from")
    return read_datalist(datalist, data_root, ids=label_ids or None)


def _labels(looked: "FoundSources", pattern: str, ids: str, organs: tuple[str, ...]) -> "Labels":
    """Find labels beside each CT; a file by its own path only where there is one CT."""
    from omentum.exchange.importers.labels import OriginalLabel

    single = Path(pattern) if len(looked.sources) == 1 and Path(pattern).is_file() else None

    def find(source: "Source") -> OriginalLabel | None:
        path = source.beside(pattern) or single
        return None if path is None else OriginalLabel(path=path, ids=ids, organs=organs)

    n_found = sum(find(source) is not None for source in looked.sources)
    if not n_found:
        rule = f"none of the {len(looked.sources)} CTs has such a file beside it"
        raise ConfigError("--label", pattern, rule)
    typer.echo(f"{n_found} of {len(looked.sources)} CTs have a label", err=True)
    return find


def _left_out(looked: "FoundSources", labels: "Labels | None") -> "tuple[Failure, ...]":
    """Give the files that are left out; those that `--label` names are not."""
    found = [] if labels is None else [labels(source) for source in looked.sources]
    used = {os.path.normpath(label.path) for label in found if label is not None}
    return tuple(one for one in looked.left_out if os.path.normpath(one.key) not in used)

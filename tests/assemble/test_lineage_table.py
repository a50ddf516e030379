from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from omentum.assemble import lineage_table
from omentum.assemble.licences import SourceDataSet, data_set_of, read_data_sets, recognised
from omentum.assemble.lineage_table import read_table
from omentum.assemble.release import build_release
from omentum.errors import ConfigError
from omentum.records import WHOLE_CT, MaskFinding, MaskSource


def finding(name, said):
    return MaskFinding(organ=name, rule="made up", said=said, severity=0.5)


@pytest.fixture
def folder(make, blob, tmp_path):
    known = []
    for n in range(3):
        case = make.case(f"case_{n}", {"spleen": blob(7)} if n == 2 else None)
        found = (finding("liver", "in 2 pieces"), finding(WHOLE_CT, "upside down")) if n == 0 else ()
        inputs = make.inputs(
            case,
            make.prediction(case, {"liver": blob(n), "spleen": blob(10 + n)}, *found),
            *((make.revision(case, "liver", blob(20)),) if n else ()),
            decided={"liver": MaskSource.REVISED} if n == 1 else None,
            data_set=SourceDataSet(name="04_LiTS", licence="CC BY 4.0") if n else None,
        )
        known.append(inputs)
    return build_release("V1", tmp_path, known).folder


def test_any_program_reads_the_table_with_a_row_an_organ_and_case(folder):
    rows = pq.read_table(folder / "lineage.parquet").to_pylist()
    by_mask = {(row["case_id"], row["organ"]): row for row in rows}
    assert len(by_mask) == len(rows) == 6
    revised = by_mask["case_1", "liver"]
    assert (revised["source"], revised["reader"], revised["round"]) == ("revised", "reader-1", 1)
    assert (revised["says"], revised["network_shown"], revised["base_sha256"]) == (
        "revised", "starter", "b" * 64,
    )  # fmt: skip
    assert (revised["decision"], revised["decided_by"]) == ("prefer", "chief")
    assert by_mask["case_2", "liver"]["decided_by"] is None
    predicted = by_mask["case_0", "spleen"]
    assert (predicted["source"], predicted["network"], predicted["weights_sha256"]) == (
        "predicted", "starter", "w" * 64,
    )  # fmt: skip
    assert by_mask["case_2", "spleen"]["source"] == "original"
    assert by_mask["case_2", "spleen"]["data_set"] == "04_LiTS"
    assert by_mask["case_0", "liver"]["flags"] == ["in 2 pieces"]
    assert predicted["ct_flags"] == ["upside down"]
    assert {row["organ_index"] for row in rows} == {1, 6}
    assert all(row["volume_ml"] > 0 and len(row["sha256"]) == 64 and row["time"] for row in rows)


def test_rows_come_back_in_order_however_few_are_read_at_a_time(folder, monkeypatch):
    whole = list(read_table(folder / "lineage.parquet"))
    monkeypatch.setattr(lineage_table, "_ROWS_AT_ONCE", 2)
    assert list(read_table(folder / "lineage.parquet")) == whole
    assert [row["case_id"] for row in whole] == sorted(row["case_id"] for row in whole)


def test_the_card_tells_counts_licences_shares_and_what_is_wrong(folder):
    card = (folder / "data-set-card.md").read_text()
    assert "3 CTs of 3 patients; 0 CTs are of patients held out" in card
    assert "| 04_LiTS | CC BY 4.0 | 2 |" in card
    assert "| liver | 3 | 0.0% | 66.7% | 33.3% | 0 |" in card
    assert "The licence of 1 CTs is not stated" in card
    assert "- `liver`: in 2 pieces (case_0)." in card
    assert "- the whole CT: upside down (case_0)." in card
    assert "No case of the project is left out." in card


def test_the_first_pattern_that_fits_names_the_data_set(make, tmp_path):
    assert read_data_sets(tmp_path) == ()
    (tmp_path / "data-sets.toml").write_text(
        '["*/04_LiTS/*"]\nname = "04_LiTS"\nlicence = "CC BY 4.0"\n["c*"]\nname = "ours"\n'
    )
    known = read_data_sets(tmp_path)
    assert data_set_of(make.case("c1"), known).name == "ours"
    assert data_set_of(make.case("d1"), known) == SourceDataSet()


def test_what_was_recognised_when_a_case_was_added_counts_where_the_owner_says_nothing(make):
    case = replace(make.case("c1"), data_set="04_LiTS", licence="L")

    def found(**entry):
        data_set = data_set_of(case, [SourceDataSet(pattern="c*", **entry)])
        return data_set.name, data_set.licence

    assert recognised(make.case("c2")) == SourceDataSet()
    assert data_set_of(case, []) == recognised(case) == SourceDataSet(name="04_LiTS", licence="L")
    assert found(licence="M") == ("04_LiTS", "M")
    assert found(name="04_LiTS") == ("04_LiTS", "L")
    assert found(name="ours") == ("ours", "not stated"), "a licence is of one data set"
    assert found(name="ours", licence="M") == ("ours", "M")


@pytest.mark.parametrize("text", ["[", '["*"]\nnom = "x"', 'a = "b"'])
def test_a_list_of_data_sets_that_cannot_be_read_is_refused(tmp_path, text):
    (tmp_path / "data-sets.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"data-sets\.toml"):
        read_data_sets(tmp_path)

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from published_fixtures import row
from tinybench.errors import DataError
from tinybench.results.schema import DeviceRef, Result
from tinybench.submissions.importing import table
from tinybench.submissions.importing.table import convert, findings


def only(**cells: str) -> Result:
    (draft,) = convert([row(**cells)])
    (result,) = draft.results.values()
    return result


def codes(**cells: str) -> list[str]:
    return [found.rule.code for found in findings([row(**cells)])]


def test_figures_are_those_of_the_row() -> None:
    result = only()
    values = {metric.name: metric.value for metric in result.metrics}
    assert values == {
        "accuracy.top1": 0.902,
        "accuracy.auc": 0.99,
        "latency.per_inference": 0.043187217,
        "throughput": 23.155,
        "energy.per_inference": 0.001820454,
    }
    assert {metric.mode for metric in result.metrics} == {"measured"}
    assert isinstance(result.device, DeviceRef)
    assert result.device.supply_v == 1.8
    assert (result.target, result.target_met) == (0.9, True)


FIGURE = st.decimals(min_value=Decimal("0.000001"), max_value=10**6, places=6)


@given(throughput=FIGURE, latency=FIGURE, energy=FIGURE, millivolts=st.integers(1, 50_000))
def test_every_figure_is_the_nearest_float(
    throughput: Decimal, latency: Decimal, energy: Decimal, millivolts: int
) -> None:
    result = only(
        median_throughput_ips=f"{throughput:f}",
        latency_ms=f"{latency:f}",
        energy_uj_per_inference=f"{energy:f}",
        emon_measured_voltage_mv=f"{millivolts}.0",
    )
    values = {metric.name: Decimal(repr(float(metric.value))) for metric in result.metrics}
    assert values["throughput"] == throughput
    assert values["latency.per_inference"] * 10**3 == latency
    assert values["energy.per_inference"] * 10**6 == energy
    assert isinstance(result.device, DeviceRef)
    assert Decimal(repr(result.device.supply_v)) * 1000 == millivolts


def test_what_the_row_does_not_say_is_not_made_up() -> None:
    result = only(
        energy_uj_per_inference="",
        energy_mode_throughput_ips="",
        accuracy_top1="",
        auc="",
        compiler="",
        frequency_text="",
        processor="",
        isa_core="",
    )
    assert {metric.name for metric in result.metrics} == {"latency.per_inference", "throughput"}
    missing = {item.name for item in result.unavailable}
    assert {"accuracy.top1", "energy.per_inference", "power.active", "memory.ram"} <= missing
    reasons = {item.name: item.reason for item in result.unavailable}
    assert reasons["energy.per_inference"] == "not in the published table"
    assert isinstance(result.device, DeviceRef)
    assert (result.device.clock_hz, result.device.core, result.device.supply_v) == (None, None, None)
    assert result.engine.compiler is None
    assert (result.model.sha256, result.data.dataset_sha256, result.environment) == (None, None, None)
    assert result.target_met is None


def test_figures_that_were_computed_from_logs_are_not_called_printed() -> None:
    computed = only(round="v0.5", median_throughput_ips="23.154783", accuracy_top1="0.901", auc="0.995345")
    assert computed.notes[0].startswith("not as printed")
    assert any("laps" in note for note in computed.notes)
    assert any("AUC is the exact one" in note for note in computed.notes)
    printed = only(round="v0.5", median_throughput_ips="23.155", auc="0.99")
    assert printed.notes[0].startswith("as published")


def test_the_source_keeps_every_cell() -> None:
    given = row(processor="32-bit Arm Cortex-M4 ", hardware_notes="Operating at 1.8V")
    ((result,),) = (draft.results.values() for draft in convert([given]))
    assert result.source is not None
    kept = {
        **result.source.original,
        "round": result.source.round,
        "division": result.source.division,
        "organization": result.source.organisation,
        "system": result.source.system,
        "source_path": result.source.path,
    }
    assert kept == {column: text for column, text in given.columns.items() if text}


def test_attribution_names_what_the_guidelines_ask_for() -> None:
    source = only().source
    assert source is not None
    for said in (
        "MLPerf™ Tiny v1.2, closed division, benchmark kws: Example, system NUCLEO_L4R5ZI",
        "https://github.com/mlcommons/tiny_results_v1.2, closed/Example/results/NUCLEO_L4R5ZI/kws",
        "registered and unregistered trademarks of MLCommons Association",
        "neither affiliated with nor endorsed by MLCommons",
    ):
        assert said in source.attribution
    assert (source.repository, source.licence) == (
        "https://github.com/mlcommons/tiny_results_v1.2",
        "Apache-2.0",
    )


def test_a_board_of_ours_gets_the_chip_of_its_profile() -> None:
    (draft,) = convert([row()])
    assert (draft.system.device, draft.system.chip, draft.system.core) == (
        "nucleo-l4r5zi",
        "STM32L4R5ZI",
        "cortex-m4",
    )
    (other,) = convert([row(board="NUCLEO-L4R5ZI-P")])
    assert (other.system.device, other.system.chip) == (None, None)


def test_streaming_wakeword() -> None:
    result = only(
        task="sww",
        accuracy_top1="",
        auc="",
        energy_uj_per_inference="",
        median_throughput_ips="55.742",
        latency_ms="17.939794",
        sww_tp="44.0",
        sww_fn="6.0",
        sww_fp="4.0",
        sww_duty_cycle="0.56085",
        sww_period_s="0.031987",
        sww_power_mw="25.622",
    )
    values = {metric.name: metric.value for metric in result.metrics}
    assert values == {
        "latency.per_inference": 0.017939794,
        "throughput": 55.742,
        "power.average": 0.025622,
        "streaming.true_positives": 44,
        "streaming.false_negatives": 6,
        "streaming.false_positives": 4,
        "streaming.duty_cycle": 0.56085,
        "streaming.period": 0.031987,
    }
    assert (result.target, result.target_met, result.task.version) == (None, None, None)
    assert isinstance(result.device, DeviceRef)
    assert result.device.supply_v == 1.8


@pytest.mark.parametrize(
    ("cells", "split", "samples"),
    [
        ({"task": "ic"}, "mlperf-200", 200),
        ({"task": "ic", "round": "v0.5"}, "mlperf-200-v0.5", 200),
        ({"task": "vww"}, "mlperf-1000", 1000),
        ({"task": "ad", "round": "v1.1"}, "mlperf-248", 248),
        ({"task": "ad", "round": "v1.2"}, "mlperf-ad", None),
    ],
)
def test_accuracy_sets_of_the_rounds(cells: Mapping[str, str], split: str, samples: int | None) -> None:
    data = only(**cells).data
    assert (data.split, data.samples) == (split, samples)


def test_places_and_names() -> None:
    drafts = convert(
        [
            row(2, organization="renesas", system="RX65N-Cloud-Kit"),
            row(3, organization="Renesas", round="v1.3"),
            row(4, system="microtvm_native/NUCLEO_L4R5ZI", task="ad", model_variant="AD_08"),
        ]
    )
    assert {draft.place.path: (draft.system.organisation, *draft.results) for draft in drafts} == {
        "mlperf-v1.2/example/microtvm_native-nucleo_l4r5zi": ("Example", "ad-ad_08.json"),
        "mlperf-v1.2/renesas/rx65n-cloud-kit": ("Renesas", "kws.json"),
        "mlperf-v1.3/renesas/nucleo_l4r5zi": ("Renesas", "kws.json"),
    }


def test_models_by_division_variant_and_format() -> None:
    assert only().model.name == "MLPerf Tiny kws reference model, int8"
    assert only(quantization="PTQ").model.name == "MLPerf Tiny kws reference model"
    assert only(division="open", model_variant="RN07", quantization="QAT").model.name == "RN07 of Example"
    assert only(division="open", quantization="FP16").model.name == "kws model of Example, fp16"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [row(2), row(3, task="ad", board="Other")],
            r"line 3: board: 'Other', but 'NUCLEO-L4R5ZI' on line 2",
        ),
        ([row(2), row(3)], r"line 2: NUCLEO_L4R5ZI: two rows have the same task and variant"),
        ([row(2), row(3, system="nucleo_l4r5zi")], "NUCLEO_L4R5ZI of Example has the same place"),
        ([row(2, organization="四川")], "line 2: organisation '.*': character 1 is U\\+56DB"),
        ([row(2, organization="---")], "line 2: organisation '---': no part of a path follows"),
        ([row(2, system="<b>x</b>")], "line 2: system '<b>x</b>': character 1 begins an HTML tag"),
        ([row(2, model_variant="四")], "line 2: variant"),
        ([row(2, board="板")], "line 2: board: character 1 is U\\+677F"),
        ([row(2, board="---")], "line 2: board: '---': no part of a path follows"),
        ([row(2, engine="x" * 101)], "line 2: engine: has 101 characters"),
        ([row(2, software_notes="<a href=x>")], "line 2: software_notes: character 1 begins an HTML tag"),
    ],
)
def test_tables_that_contradict_themselves(rows: list[table.PublishedRow], said: str) -> None:
    with pytest.raises(DataError, match=said):
        convert(rows)


def test_one_system_in_both_divisions() -> None:
    drafts = convert([row(2, division="open"), row(3), row(4, division="open", system="Other")])
    assert {draft.place.path: draft.system.division for draft in drafts} == {
        "mlperf-v1.2/example/nucleo_l4r5zi": "closed",
        "mlperf-v1.2/example/nucleo_l4r5zi-open": "open",
        "mlperf-v1.2/example/other": "open",
    }


def test_a_row_like_any_other_has_no_findings() -> None:
    assert codes() == []
    assert codes(task="sww", sww_fp="8.0", sww_fn="8.0", accuracy_top1="", auc="") == []
    assert codes(division="open", accuracy_top1="0.5") == []


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"engine": "another engine"}, "TB910"),
        ({"processor": "a processor"}, "TB910"),
        ({"frequency_text": "up to 3.4Ghz"}, "TB910"),
        ({"latency_ms": "43.2"}, "TB911"),
        ({"energy_mode_throughput_ips": "21.99"}, "TB912"),
        ({"energy_mode_throughput_ips": "24.32"}, "TB912"),
        ({"accuracy_top1": "0.899"}, "TB913"),
        ({"task": "ad", "accuracy_top1": "", "auc": "0.849"}, "TB913"),
        ({"task": "sww", "sww_fp": "9.0", "sww_fn": "0.0"}, "TB913"),
        ({"accuracy_top1": ""}, "TB914"),
        ({"task": "ad", "auc": ""}, "TB914"),
    ],
)
def test_each_finding(cells: Mapping[str, str], code: str) -> None:
    assert codes(**cells) == [code]


def test_figures_published_again() -> None:
    again = row(3, round="v1.3")
    (found,) = findings([row(), again, row(4, round="v1.3", task="ad", auc="0.86")])
    assert (found.rule.code, found.where) == ("TB915", "v1.3 closed/Example/results/NUCLEO_L4R5ZI/kws")
    assert "v1.2 closed/Example" in found.message
    # Throughput alone, in four digits, may well be the same twice.
    assert not list(findings([row(2, energy_uj_per_inference=""), row(3, energy_uj_per_inference="")]))


def test_unknown_texts_stay_as_they_are() -> None:
    result = only(engine="another engine", frequency_text="up to 3.4Ghz", frequency_mhz="3400.0")
    assert result.engine.name == "another engine"
    assert isinstance(result.device, DeviceRef)
    assert result.device.clock_hz is None
    assert "clock not known: the source says 'up to 3.4Ghz'" in result.notes

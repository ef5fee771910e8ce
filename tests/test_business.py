"""The value model against sums done by hand, its inputs' origins, what matters most, and the figures' words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import rooms

from poc import business
from poc.assumptions import (
    ANALYST,
    ASSUMED,
    GIVEN,
    INFO,
    MEASURED,
    money,
    origin_of,
    parameter_rows,
    range_of,
    shown,
    wilson_interval,
)
from poc.business import (
    KEY_PARAMETERS,
    BusinessParameters,
    accuracy_verdict,
    break_even,
    business_case,
    key_break_evens,
    net_over_horizon,
    parameters_from,
    sensitivity,
    with_measured_share,
)
from poc.errors import ParameterError
from poc.types import UNCOMMON_CEILING

SIMPLE = BusinessParameters(
    adoption_share=0.5, usable_photo_share=0.8, ramp_months=0.0, visitors_per_month=10000, photo_minutes=2, photos_per_customer=2,
    build_cost=300000, running_cost_per_month=30000, cost_per_photo=0.1, review_minutes=6, staff_cost_per_hour=50,
    payment_fee_share=0.01, manual_rework_share=0.06, photo_rework_share=0.04, rework_cost=100, customer_hour_value=3,
)


# --- the model ---------------------------------------------------------------------------------------------------


def test_the_defaults_are_the_cases_own():
    p = BusinessParameters()
    given = {name: getattr(p, name) for name in INFO if origin_of(p, name) == GIVEN}
    assert given == {
        "manual_minutes": 20, "manual_error_share": 0.30, "modelling_cost": 80, "modelling_saved_share": 0.60,
        "orders_per_month": 5000, "diagnosis_price": 9.9, "diagnosis_conversion": 0.05,
    }
    assert {origin_of(p, name) for name in INFO} == {GIVEN, ASSUMED}


def test_a_month_adds_up_as_by_hand():
    month = business_case(SIMPLE).steady
    done, tried, buyers = 2000, 2500, 500  # 5000 · 0.5 · 0.8; 5000 · 0.5; 10000 · 0.05
    assert month.customer_hours_saved == pytest.approx((done * 20 - tried * 2) / 60)
    assert month.modelling_saved == pytest.approx(done * 48)
    assert month.rework_saved == pytest.approx(done * 0.02 * 100)
    assert month.customer_time_worth == pytest.approx(month.customer_hours_saved * 3)
    assert month.diagnosis_revenue == pytest.approx(buyers * 0.8 * 9.9 * 0.99)
    assert month.checking_cost == pytest.approx(-done * 0.1 * 50)
    assert month.running_cost == pytest.approx(-(30000 + (tried + buyers) * 2 * 0.1))
    assert month.net == pytest.approx(96000 + 4000 + 1750 + 3920.4 - 10000 - 30600)


def test_the_series_pays_the_building_first_and_breaks_even_when_the_sum_says():
    case = business_case(SIMPLE)
    net = case.steady.net
    assert len(case.cumulative_base) == 24
    assert case.cumulative_base[0] == pytest.approx(net - 300000) and case.cumulative_base[23] == pytest.approx(24 * net - 300000)
    assert case.break_even_month == 5 and case.cumulative_base[3] < 0 <= case.cumulative_base[4]


def test_use_grows_through_the_ramp():
    ramped = business_case(replace(SIMPLE, ramp_months=4))
    assert ramped.cumulative_base[0] < business_case(SIMPLE).cumulative_base[0]
    steps = [b - a for a, b in zip(ramped.cumulative_base, ramped.cumulative_base[1:])]
    assert steps[0] < steps[1] < steps[2] == pytest.approx(ramped.steady.net) and steps[10] == pytest.approx(ramped.steady.net)


def test_one_uncertain_input_gives_the_quantiles_of_its_triangle(monkeypatch):
    """Orders between 4000 and 8000, peaked at 5000, all else certain: the net is a line in them, so all is known in closed form."""
    params = replace(SIMPLE, horizon_months=12, build_cost=0)
    params = replace(params, build_cost=net_over_horizon(params, orders_per_month=5500))
    monkeypatch.setattr(business, "range_of", lambda p, name: (4000.0, 8000.0) if name == "orders_per_month" else (getattr(p, name),) * 2)
    case = business_case(params)

    def orders_at(share):  # the triangle's left quarter holds a quarter of it
        return 4000 + math.sqrt(share * 4000 * 1000) if share < 0.25 else 8000 - math.sqrt((1 - share) * 4000 * 3000)

    nets = [business_case(replace(params, orders_per_month=orders_at(share))).steady.net for share in (0.05, 0.5, 0.95)]
    assert [case.net_low, case.net_median, case.net_high] == pytest.approx(nets, rel=0.01)
    ends = [net_over_horizon(params, orders_per_month=orders) for orders in (4000, orders_at(0.5), 8000)]
    assert case.end_median == pytest.approx(ends[1], abs=0.01 * (ends[2] - ends[0]))
    assert break_even(params, "orders_per_month").value == pytest.approx(5500, rel=1e-3)
    assert case.pays_back_share == pytest.approx((8000 - 5500) ** 2 / (4000 * 3000), abs=0.02)


def test_photos_that_were_tried_measure_the_share_of_usable_ones():
    params = parameters_from({"photos_tried": 20, "photos_usable": 14, "usable_photo_share": 0.9})
    assert params == with_measured_share(BusinessParameters(), 14, 20, "tried by the analyst") and params.usable_photo_share == 0.7
    assert parameters_from({"photos_tried": 0, "photos_usable": 0}) == BusinessParameters()
    for counts, message in (({"photos_usable": 3}, "more usable than tried"), ({"photos_tried": 5, "photos_usable": 3}, "too few to estimate")):
        with pytest.raises(ParameterError, match=message):
            parameters_from(counts)


def test_nine_in_ten_draws_lie_inside_a_measured_interval():
    params = with_measured_share(SIMPLE, 40, 60)
    low, high = range_of(params, "usable_photo_share")
    drawn = business._draws(params)["usable_photo_share"]
    assert ((drawn > low) & (drawn < high)).mean() == pytest.approx(0.9, abs=0.02) and origin_of(params, "usable_photo_share") == MEASURED


@pytest.mark.parametrize(("half_width", "light", "told"), [
    (0.0996, "green", "± 10 %"), (0.1004, "amber", "± 10.1 %"), (0.20, "amber", "± 20 %"), (0.3035, "red", "± 30.4 %")])
def test_a_width_is_never_told_as_what_it_is_wider_than(half_width, light, told):
    m = replace(rooms.measured("ceiling_height", 2.0, 0.1), low=2.0 * (1 - half_width), high=2.0 * (1 + half_width))
    verdict = accuracy_verdict((m,), BusinessParameters())
    assert verdict.light == light and f": {told} (90 %" in verdict.text and verdict.width == told.split()[1] and not verdict.doubted


def test_the_most_there_is_to_save_stands_apart_from_the_assumptions():
    def most(**given: float) -> tuple[float, float]:
        case = business_case(BusinessParameters(**given))
        return case.most_modelling_saved, case.most_hours_saved

    assert most() == (5000 * 80 * 0.6, pytest.approx(5000 * 20 / 60))
    assert most(running_cost_per_month=1e6, adoption_share=0.1, usable_photo_share=0.5) == most()
    assert most(orders_per_month=8000, modelling_cost=120)[0] == pytest.approx(8000 * 120 * 0.6)
    rosy = BusinessParameters(adoption_share=1.0, usable_photo_share=1.0, photo_minutes=0.0)
    assert business_case(rosy).steady.modelling_saved == pytest.approx(most()[0])
    assert business_case(rosy).steady.customer_hours_saved == pytest.approx(most()[1])


def test_no_gain_from_accuracy_is_claimed_by_default():
    case = business_case(BusinessParameters())
    assert case.steady.rework_saved == 0 and case.steady.customer_time_worth == 0
    assert range_of(BusinessParameters(), "customer_hour_value") == (0.0, 0.0)  # worth money only if the analyst says so
    assert any("was not measured" in note for note in case.notes) and any("No input to the money" in note for note in case.notes)
    assert not any(INFO[name].label in note for name in INFO for note in case.notes), "the table lists the inputs; once is enough"


def test_low_base_high_are_in_order_and_repeatable():
    case, again = business_case(SIMPLE), business_case(SIMPLE)
    assert case == again and 0 < case.pays_back_share <= 1
    assert case.start_low < -SIMPLE.build_cost < case.start_high < 0
    for low, base, high in zip(case.cumulative_low, case.cumulative_base, case.cumulative_high, strict=True):
        assert low < base < high
    assert case.net_low < case.steady.net < case.net_high
    assert case.break_even_month_high <= case.break_even_month and (case.break_even_month_low or 99) >= case.break_even_month


def test_a_case_that_never_pays_says_none():
    case = business_case(BusinessParameters(adoption_share=0.05, horizon_months=36))
    assert case.break_even_month is None and len(case.cumulative_base) == 36 and case.pays_back_share < 0.02


# --- what matters ------------------------------------------------------------------------------------------------


def test_sensitivity_is_sorted_and_each_end_is_that_ends_net():
    swings = sensitivity(SIMPLE)
    assert [s.size for s in swings] == sorted((s.size for s in swings), reverse=True)
    assert {s.name for s in swings} == {name for name, info in INFO.items() if info.cash and getattr(SIMPLE, name)}
    top = next(s for s in swings if s.name == "build_cost")
    assert top.size == pytest.approx(top.high_value - top.low_value)
    adoption = next(s for s in swings if s.name == "adoption_share")
    assert adoption.net_at_high == pytest.approx(business_case(replace(SIMPLE, adoption_share=adoption.high_value)).cumulative_base[-1])


@pytest.mark.parametrize("name", KEY_PARAMETERS)
def test_break_even_turns_the_net_to_zero(name):
    result = break_even(BusinessParameters(), name)
    if result.value is None:
        assert "no value brings" in result.text
    else:
        assert net_over_horizon(BusinessParameters(), **{name: result.value}) == pytest.approx(0, abs=1.0)
        assert "is zero at" in result.text


def test_break_even_by_hand_and_where_there_is_none():
    spare = net_over_horizon(SIMPLE)
    assert break_even(SIMPLE, "build_cost").value == pytest.approx(300000 + spare)
    assert break_even(replace(SIMPLE, visitors_per_month=0), "diagnosis_conversion").value is None
    assert len(key_break_evens(SIMPLE)) == len(KEY_PARAMETERS)
    with pytest.raises(ParameterError, match="does not enter the money"):
        break_even(SIMPLE, "manual_error_share")
    with pytest.raises(ParameterError, match="did you mean build_cost"):
        break_even(SIMPLE, "buildcost")


# --- inputs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"adoption_shar": 0.5}, "unknown business parameter.*did you mean adoption_share"),
        ({"xyz": 1}, "there are manual_minutes"),
        ({"adoption_share": 60}, "adoption_share must be 0 to 1, not 60.*write 0.6"),
        ({"modelling_cost": -1}, "modelling_cost must be 0 to"),
        ({"modelling_cost": "80"}, "must be a number, not '80'"),
        ({"orders_per_month": True}, "must be a number"),
        ({"build_cost": float("nan")}, "must be a number"),
        ({"horizon_months": 0}, "horizon_months must be 1 to 120"),
        ({"horizon_months": 7.5}, "whole number of months"),
        ({"currency": ""}, "currency must be"),
        ({"measured": ()}, "unknown business parameter"),
    ],
)
def test_bad_inputs_are_named(values, message):
    with pytest.raises(ParameterError, match=message):
        parameters_from(values)


def test_where_a_value_comes_from_follows_it():
    p = parameters_from({"adoption_share": 0.3, "orders_per_month": 5000})
    assert origin_of(p, "adoption_share") == ANALYST and origin_of(p, "orders_per_month") == GIVEN
    assert range_of(p, "adoption_share") == pytest.approx((0.12, 0.48))  # moved with the value, in proportion
    row = next(r for r in parameter_rows(p) if r.name == "adoption_share")
    assert (row.value, row.origin) == ("30 %", "set by the analyst")


@pytest.mark.parametrize("name", ["build_cost", "visitors_per_month", "running_cost_per_month"])
def test_what_is_set_to_nothing_is_nothing_in_every_case(name):
    assert range_of(parameters_from({name: 0}), name) == (0.0, 0.0)


def test_a_measured_share_needs_photos_and_brings_its_own_interval():
    p = with_measured_share(BusinessParameters(), 14, 20, "test set")
    assert p.usable_photo_share == 0.7 and origin_of(p, "usable_photo_share") == MEASURED
    low, high = range_of(p, "usable_photo_share")
    assert (low, high) == pytest.approx((0.516, 0.836), abs=0.001)
    assert any("14 of 20 photos, test set" in note for note in business_case(p).notes)
    for usable, total, message in ((1, 1, "too few to estimate"), (5, 4, "more usable than tried"), (-1, 20, "whole number")):
        with pytest.raises(ParameterError, match=message):
            with_measured_share(BusinessParameters(), usable, total)
    assert wilson_interval(20, 20)[1] == 1.0 and wilson_interval(20, 20)[0] < 0.95


def test_amounts_claim_three_figures_and_keep_their_sign():
    assert money(-1243210, "¥") == "−¥1,240,000" and money(9.9, "¥") == "¥9.90" and money(0, "¥") == "¥0"
    assert shown(0.05, "share", "¥") == "5 %" and shown(5000, "count", "¥") == "5,000" and shown(20, "min", "¥") == "20 min"


# --- accuracy ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spread", "light", "words"),
    [(0.07, "green", "a product can be chosen"), (0.2, "amber", "the ± 30 % of measuring by hand"), (0.4, "red", "measure by tape")],
)
def test_the_widest_length_decides(spread, light, words):
    told = (rooms.measured("longest_free_wall", 2.4, spread), rooms.measured("ceiling_height", 2.6, 0.02))
    verdict = accuracy_verdict(told, BusinessParameters())
    assert verdict.light == light and words in verdict.text and verdict.half_widths["longest_free_wall"] == pytest.approx(spread)
    assert "was not measured by tape" in verdict.text


def test_the_verdict_says_of_which_lengths_it_takes_the_least_sure():
    """A wall's distance may be less sure: no product is chosen by it, so it is not judged, and nothing is said that it belies."""
    told = (rooms.measured("ceiling_height", 2.6, 0.15), rooms.measured("wall_1_distance", 4.0, 0.27))
    verdict = accuracy_verdict(told, BusinessParameters())
    assert verdict.text.startswith("Of the longest free wall, the longest wall and the ceiling height, the least certain with a full interval is the ceiling height: ± 15 %")
    assert set(verdict.half_widths) == {"ceiling_height"}


def test_a_length_without_two_ends_keeps_the_verdict_from_green():
    bound = rooms.measured("longest_free_wall", 3.0, 0.5, status="lower_bound")
    verdict = accuracy_verdict((bound, rooms.measured("ceiling_height", 2.6, 0.02)), BusinessParameters())
    assert verdict.light == "amber" and "the longest free wall is only bounded from below or unknown: measure by tape there" in verdict.text


def test_a_length_in_doubt_sends_to_the_tape_however_sharp_it_looks():
    sharp = rooms.measured("longest_free_wall", 2.4, 0.03)
    assert accuracy_verdict((sharp,), BusinessParameters()).light == "green"
    verdict = accuracy_verdict((replace(sharp, light="red", reason="it runs through wall 2"),), BusinessParameters())
    assert verdict.light == "red" and "runs through wall 2" in verdict.text and "by tape" in verdict.text
    for value in (replace(sharp, high=None, status="lower_bound", reason="cut; it runs through wall 2"), replace(sharp, reason="it runs through wall 2")):
        for others in ((), (rooms.measured("ceiling_height", 2.6, 0.02),)):
            told = accuracy_verdict((value, *others), BusinessParameters())
            assert told.light == "red" and told.doubted and "longest free wall may be entirely wrong" in told.text
    low = replace(rooms.measured("ceiling_height", 1.7, 0.02), light="red", reason=UNCOMMON_CEILING)
    assert accuracy_verdict((sharp, low), BusinessParameters()).doubted, "if the scale is off, so is the free wall"
    assert not accuracy_verdict((sharp, replace(low, light="amber")), BusinessParameters()).doubted, "its interval reaches common heights"
    whole = accuracy_verdict((replace(sharp, reason="some other remark"),), BusinessParameters())
    assert "entirely wrong" not in whole.text and whole.light != "red"


def test_lower_bounds_and_unknowns_are_not_judged():
    bound = rooms.measured("longest_wall", 3.0, 0.5, status="lower_bound")
    verdict = accuracy_verdict((bound, rooms.unknown("ceiling_height", "out of sight")), BusinessParameters())
    assert verdict.light == "" and verdict.half_widths == {} and verdict.text == (
        "Neither the longest free wall, the longest wall nor the ceiling height has a full interval in this photo, so there is nothing to judge.")


# --- figures -----------------------------------------------------------------------------------------------------


def test_figures_hold_the_numbers_and_say_what_is_assumed():
    from poc.figures.business_figures import cumulative_figure, tornado_figure

    p = BusinessParameters()
    case, swings = business_case(p), sensitivity(p)
    curve, bars = cumulative_figure(case).to_dict(), tornado_figure(swings, p).to_dict()
    base = next(t for t in curve["data"] if t.get("name") == "base")
    band = [t for t in curve["data"] if t.get("line", {}).get("width") == 0]
    assert [(t["x"][0], t["y"][0]) for t in band] == [(0, case.start_high), (0, case.start_low)], "the band begins where the line does"
    assert list(base["y"]) == pytest.approx([-p.build_cost, *case.cumulative_base])
    assert "with every input as stated, in month 17" in curve["layout"]["title"]["text"]
    for shown_figure in (curve, bars):
        small = shown_figure["layout"]["title"]["subtitle"]["text"]
        assert "6 given, 16 assumed" in small and "none measured" in small
    low = bars["data"][0]
    assert low["y"][-1].startswith(swings[0].label) and low["x"][-1] + low["base"] == pytest.approx(swings[0].net_at_low)
    few, most = (cumulative_figure(replace(case, pays_back_share=share)).to_dict()["layout"]["title"]["text"] for share in (0.004, 0.997))
    assert few.startswith("Under 1 % of the cases break even") and most.startswith("Over 99 % of the cases")
    never = business_case(BusinessParameters(adoption_share=0.05))
    assert "with every input as stated, never" in cumulative_figure(never).to_dict()["layout"]["title"]["text"]

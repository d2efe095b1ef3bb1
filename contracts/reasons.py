"""Reasons: the sentences that people read, one for each key that a detector may give. Chinese first, then English.

A template names the numbers of the detection's evidence. ``sentence`` never raises: what is missing is shown as "?".
A test compares this table with the keys that the detectors use.
"""

from collections.abc import Mapping
from string import Formatter
from typing import Any, Literal

import msgspec

Language = Literal["zh", "en"]


class Reason(msgspec.Struct, frozen=True):
    """One sentence in two languages."""

    zh: str
    en: str


REASONS: dict[str, Reason] = {
    "call.press": Reason("住户按下了求助按钮", "The help button was pressed"),
    "call.hold": Reason("住户长按了求助按钮", "The help button was held down"),
    "call.voice": Reason("住户用语音呼救", "Help was called for by voice"),

    "fall_room.warning": Reason("{room}跌倒传感器预警：可能跌倒", "A fall sensor ({room}) warns of a possible fall"),
    "fall_room.alarm": Reason("{room}跌倒传感器报警：有人跌倒", "A fall sensor ({room}) reports a fall"),
    "fall_room.still_down": Reason(
        "{room}跌倒传感器报警已持续 {down_s:.0f} 秒，仍有人倒地", "A fall sensor ({room}) still sees somebody down after {down_s:.0f} s"
    ),
    "fall_room.over": Reason("{room}跌倒传感器报告：警情解除", "The fall sensor ({room}) says that it is over"),

    "fall_wearable.impact_still": Reason(
        "手环测到撞击 {impact_g:.1f} g，像跌倒，随后静止，姿态改变 {turn_deg:.0f}°",
        "The wearable felt an impact of {impact_g:.1f} g like a fall's, then stillness, turned by {turn_deg:.0f}°",
    ),
    "fall_wearable.impact_moving": Reason(
        "手环测到撞击 {impact_g:.1f} g，像跌倒，随后仍有动作，姿态改变 {turn_deg:.0f}°",
        "The wearable felt an impact of {impact_g:.1f} g like a fall's, turned by {turn_deg:.0f}°, and still moves",
    ),
    "fall_wearable.unclear": Reason(
        "手环测到撞击 {impact_g:.1f} g，但数据不足以确认（{why}），可能跌倒",
        "The wearable felt an impact of {impact_g:.1f} g; the data are not enough to be sure ({why}), a fall is possible",
    ),
    "fall_wearable.lying": Reason(
        "撞击 {impact_g:.1f} g 后 {after_s:.0f} 秒内几乎没有动作", "Hardly a movement in the {after_s:.0f} s after the impact of {impact_g:.1f} g"
    ),
    "fall_wearable.moved": Reason(
        "撞击后 {after_s:.0f} 秒内恢复走动，应未跌倒或已起身", "Walking again within {after_s:.0f} s of the impact: no fall, or up again"
    ),

    "fall_wearable.over": Reason("此次跌倒判断已结束（又有新的撞击）", "This fall is no longer followed: another impact came"),
    "inactivity.silent": Reason(
        "已 {silence_min:.0f} 分钟没有生活迹象（{room}，界限 {limit_min:.0f} 分钟）",
        "No sign of life for {silence_min:.0f} min (last: {room}; limit {limit_min:.0f} min)",
    ),
    "inactivity.silent_long": Reason(
        "已 {silence_min:.0f} 分钟没有生活迹象（{room}），远超界限 {limit_min:.0f} 分钟",
        "No sign of life for {silence_min:.0f} min (last: {room}), far beyond the limit of {limit_min:.0f} min",
    ),
    "inactivity.silent_inside": Reason(
        "已 {silence_min:.0f} 分钟没有生活迹象（{room}），入户门未开过，人应在家中",
        "No sign of life for {silence_min:.0f} min (last: {room}); the entrance door has not opened since, so somebody is inside",
    ),
    "inactivity.out_long": Reason(
        "出门后已 {silence_min:.0f} 分钟未见回家（最多等 {limit_min:.0f} 分钟）",
        "Out by the door and not seen for {silence_min:.0f} min (limit {limit_min:.0f} min)",
    ),
    "inactivity.pulse_only": Reason(
        "已 {silence_min:.0f} 分钟没有活动，但仍测到心跳或呼吸",
        "No activity for {silence_min:.0f} min, though pulse or breathing is measured",
    ),
    "inactivity.moved": Reason("又有了生活迹象（{room}）", "There is a sign of life again ({room})"),
    "inactivity.excused": Reason("已登记外出，不再判断", "The resident is registered as away: no conclusion"),

    "stove_unattended.warning": Reason(
        "灶具已开 {on_min:.0f} 分钟，厨房无人 {empty_min:.0f} 分钟",
        "The stove has been on for {on_min:.0f} min, nobody in the kitchen for {empty_min:.0f} min",
    ),
    "stove_unattended.forgotten": Reason(
        "灶具可能忘关：已开 {on_min:.0f} 分钟，厨房无人 {empty_min:.0f} 分钟",
        "The stove seems forgotten: on for {on_min:.0f} min, nobody in the kitchen for {empty_min:.0f} min",
    ),
    "stove_unattended.nobody_home": Reason(
        "灶具开着而人已出门：已开 {on_min:.0f} 分钟，出门 {out_min:.0f} 分钟",
        "The stove is on and everybody has left: on for {on_min:.0f} min, out for {out_min:.0f} min",
    ),
    "stove_unattended.untouched": Reason(
        "灶具已开 {on_min:.0f} 分钟，厨房里 {empty_min:.0f} 分钟没有动过任何东西（没有能看到人的传感器）",
        "The stove has been on for {on_min:.0f} min and nothing in the kitchen was touched for {empty_min:.0f} min (no sensor sees who is there)",
    ),
    "stove_unattended.on_long": Reason(
        "灶具已开 {on_min:.0f} 分钟，没有传感器能看到厨房里是否有人",
        "The stove has been on for {on_min:.0f} min; no sensor can tell whether somebody is in the kitchen",
    ),
    "stove_unattended.attended": Reason("有人回到厨房", "Somebody is in the kitchen again"),
    "stove_unattended.off": Reason("灶具已关", "The stove is off"),

    "gas.alarm": Reason("燃气报警器报警（{room}）", "A gas alarm sounds ({room})"),
    "gas.leak": Reason(
        "燃气浓度 {gas_lel_pct:.0f} % LEL，已持续 {held_s:.0f} 秒（{room}）", "Gas at {gas_lel_pct:.0f} % LEL for {held_s:.0f} s ({room})"
    ),
    "gas.over": Reason("燃气浓度恢复正常", "The gas is gone"),

    "carbon_monoxide.alarm": Reason("一氧化碳报警器报警（{room}）", "A carbon-monoxide alarm sounds ({room})"),
    "carbon_monoxide.dose": Reason(
        "一氧化碳 {co_ppm:.0f} ppm：高于 {level_ppm:.0f} ppm 已 {held_min:.0f} 分钟",
        "Carbon monoxide at {co_ppm:.0f} ppm: above {level_ppm:.0f} ppm for {held_min:.0f} min",
    ),
    "carbon_monoxide.raised": Reason(
        "一氧化碳长时间偏高：高于 {level_ppm:.0f} ppm 已 {held_min:.0f} 分钟",
        "Carbon monoxide is raised: above {level_ppm:.0f} ppm for {held_min:.0f} min",
    ),
    "carbon_monoxide.over": Reason("一氧化碳恢复正常", "Carbon monoxide is back to normal"),

    "smoke.alarm": Reason("烟雾报警器报警（{room}）", "A smoke alarm sounds ({room})"),
    "smoke.density": Reason("烟雾浓度 {smoke_db_m:.2f} dB/m（{room}）", "Smoke at {smoke_db_m:.2f} dB/m ({room})"),
    "smoke.over": Reason("烟雾报警解除", "The smoke alarm is over"),

    "water_running.running": Reason(
        "用水已连续 {running_min:.0f} 分钟，共 {litres:.0f} 升", "Water has been running for {running_min:.0f} min, {litres:.0f} l so far"
    ),
    "water_running.stopped": Reason("用水已停", "The water has stopped"),
    "water_running.leak": Reason("漏水传感器报警（{room}）", "A leak sensor is wet ({room})"),
    "water_running.dry": Reason("漏水传感器已干", "The leak sensor is dry again"),

    "water_unused.seen": Reason(
        "家中有人活动，但已 {dry_h:.0f} 小时没有用水", "Somebody moves about at home, but no water was used for {dry_h:.0f} h"
    ),
    "water_unused.unseen": Reason(
        "已 {dry_h:.0f} 小时没有用水，未登记外出，也没有其他传感器能看到人",
        "No water was used for {dry_h:.0f} h; nobody is known to be away, and no other sensor shows anybody",
    ),
    "water_unused.used": Reason("又开始用水", "Water is used again"),
    "water_unused.excused": Reason("人已外出，不再判断", "The resident is out: no conclusion"),

    "heat.hot": Reason("室温高达 {temperature_c:.0f} °C（{room}）", "The room is at {temperature_c:.0f} °C ({room})"),
    "heat.rising": Reason(
        "室温在 {rise_min:.0f} 分钟内升高 {rise_k:.0f} °C，达到 {temperature_c:.0f} °C（{room}）",
        "The room ({room}) became warmer by {rise_k:.0f} °C within {rise_min:.0f} min and is at {temperature_c:.0f} °C",
    ),
    "heat.over": Reason("室温恢复正常", "The room has cooled down"),

    "fridge_open.open": Reason("冰箱门可能已开 {open_min:.0f} 分钟", "The fridge door seems to have been open for {open_min:.0f} min"),
    "fridge_open.warming": Reason(
        "冰箱门已开 {open_min:.0f} 分钟，温度升到 {temperature_c:.0f} °C",
        "The fridge door has been open for {open_min:.0f} min and it is warming: {temperature_c:.0f} °C",
    ),
    "fridge_open.closed": Reason("冰箱门已关", "The fridge door is closed"),

    "cold_holding.warming": Reason(
        "冷藏温度 {temperature_c:.1f} °C：高于 {limit_c:.0f} °C 已 {held_min:.0f} 分钟",
        "Cold food at {temperature_c:.1f} °C: above {limit_c:.0f} °C for {held_min:.0f} min",
    ),
    "cold_holding.warm": Reason(
        "冷藏温度 {temperature_c:.1f} °C：高于 {limit_c:.0f} °C 已 {held_min:.0f} 分钟，超过 2 小时界限",
        "Cold food at {temperature_c:.1f} °C: above {limit_c:.0f} °C for {held_min:.0f} min, beyond the limit of 2 h",
    ),
    "cold_holding.cold": Reason("冷藏温度恢复正常", "Cold holding is cold again"),

    "hot_holding.cooling": Reason(
        "热食温度 {temperature_c:.1f} °C：低于 {limit_c:.0f} °C 已 {held_min:.0f} 分钟",
        "Hot food at {temperature_c:.1f} °C: below {limit_c:.0f} °C for {held_min:.0f} min",
    ),
    "hot_holding.cool": Reason(
        "热食温度 {temperature_c:.1f} °C：低于 {limit_c:.0f} °C 已 {held_min:.0f} 分钟，超过 2 小时界限",
        "Hot food at {temperature_c:.1f} °C: below {limit_c:.0f} °C for {held_min:.0f} min, beyond the limit of 2 h",
    ),
    "hot_holding.hot": Reason("热食温度恢复正常", "Hot holding is hot again"),
    "hot_holding.emptied": Reason("保温设备已冷却，应已关闭", "The holder has gone cold, so it seems to be switched off"),

    "freezer.drift": Reason(
        "冷冻温度 {temperature_c:.1f} °C：高于 {limit_c:.0f} °C 已 {held_min:.0f} 分钟，达不到 -18 °C",
        "The freezer is at {temperature_c:.1f} °C: above {limit_c:.0f} °C for {held_min:.0f} min, so it does not reach -18 °C",
    ),
    "freezer.warm": Reason(
        "冷冻温度 {temperature_c:.1f} °C：高于 {limit_c:.0f} °C 已 {held_min:.0f} 分钟，不是除霜",
        "The freezer is at {temperature_c:.1f} °C: above {limit_c:.0f} °C for {held_min:.0f} min, longer than it defrosts",
    ),
    "freezer.thawing": Reason(
        "冷冻温度 {temperature_c:.1f} °C：高于 {limit_c:.0f} °C 已 {held_min:.0f} 分钟，食品正在解冻",
        "The freezer is at {temperature_c:.1f} °C: above {limit_c:.0f} °C for {held_min:.0f} min, food is thawing",
    ),
    "freezer.cold": Reason("冷冻温度恢复正常", "The freezer is cold again"),

    "hood_off.off": Reason("灶具已开 {on_min:.0f} 分钟，油烟机没有开", "The stove has been on for {on_min:.0f} min without the hood"),
    "hood_off.on": Reason("油烟机已开", "The hood is on"),
    "hood_off.over": Reason("灶具已关", "The stove is off"),

    "night_door.left": Reason(
        "夜间 {door_hour:.0f} 时许入户门打开，{out_min:.0f} 分钟内未见回屋",
        "The entrance door opened at night (about {door_hour:.0f}:00) and nobody was seen inside for {out_min:.0f} min",
    ),
    "night_door.returned": Reason("人已回屋", "Somebody is inside again"),

    # The person: vitals, fever, night, bathroom, bed.
    "heart_rate.low": Reason(
        "心率过慢：{heart_rate_bpm:.0f} 次/分，已持续 {held_min:.0f} 分钟", "The heart is too slow: {heart_rate_bpm:.0f} a minute, for {held_min:.0f} min"
    ),
    "heart_rate.high": Reason(
        "静息心率过快：{heart_rate_bpm:.0f} 次/分，已持续 {held_min:.0f} 分钟",
        "The heart is too fast at rest: {heart_rate_bpm:.0f} a minute, for {held_min:.0f} min",
    ),
    "heart_rate.unusually_low": Reason(
        "心率低于本人平时：{heart_rate_bpm:.0f} 次/分（平时不低于 {usual_low_bpm:.0f}），已持续 {held_min:.0f} 分钟",
        "The heart is slower than usual with this person: {heart_rate_bpm:.0f} a minute (usually no less than {usual_low_bpm:.0f}), for {held_min:.0f} min",
    ),
    "heart_rate.unusually_high": Reason(
        "静息心率高于本人平时：{heart_rate_bpm:.0f} 次/分（平时不超过 {usual_high_bpm:.0f}），已持续 {held_min:.0f} 分钟",
        "The heart is faster at rest than usual with this person: {heart_rate_bpm:.0f} a minute (usually up to {usual_high_bpm:.0f}), for {held_min:.0f} min",
    ),
    "heart_rate.over": Reason("心率恢复，或设备已换人佩戴", "The heart rate is as it should be again, or the device is worn by somebody else"),
    "spo2.low": Reason(
        "血氧过低：{spo2_pct:.0f} %，已持续 {held_min:.0f} 分钟", "Too little oxygen in the blood: {spo2_pct:.0f} %, for {held_min:.0f} min"
    ),
    "spo2.unusually_low": Reason(
        "血氧低于本人平时：{spo2_pct:.0f} %（平时不低于 {usual_low_pct:.0f} %），已持续 {held_min:.0f} 分钟",
        "Less oxygen in the blood than usual with this person: {spo2_pct:.0f} % (usually no less than {usual_low_pct:.0f} %), for {held_min:.0f} min",
    ),
    "spo2.over": Reason("血氧恢复，或设备已换人佩戴", "The oxygen is as it should be again, or the device is worn by somebody else"),
    "temperature.cold": Reason(
        "体温过低：{body_temp_c:.1f} °C，已持续 {held_min:.0f} 分钟", "The body is too cold: {body_temp_c:.1f} °C, for {held_min:.0f} min"
    ),
    "temperature.hot": Reason(
        "体温极高：{body_temp_c:.1f} °C，已持续 {held_min:.0f} 分钟", "The body is dangerously hot: {body_temp_c:.1f} °C, for {held_min:.0f} min"
    ),
    "temperature.unusually_cold": Reason(
        "体温低于本人平时：{body_temp_c:.1f} °C（平时不低于 {usual_low_c:.1f} °C），已持续 {held_min:.0f} 分钟",
        "The body is colder than usual with this person: {body_temp_c:.1f} °C (usually no less than {usual_low_c:.1f} °C), for {held_min:.0f} min",
    ),
    "temperature.over": Reason("体温恢复，或设备已换人使用", "The temperature is as it should be again, or somebody else is measured"),
    "fever.high": Reason(
        "高热：体温 {body_temp_c:.1f} °C，已持续 {held_min:.0f} 分钟", "High fever: {body_temp_c:.1f} °C, for {held_min:.0f} min"
    ),
    "fever.raised": Reason(
        "发热：体温 {body_temp_c:.1f} °C，已持续 {held_min:.0f} 分钟", "Fever: {body_temp_c:.1f} °C, for {held_min:.0f} min"
    ),
    "fever.unusual": Reason(
        "体温高于本人平时：{body_temp_c:.1f} °C（平时 {usual_c:.1f} °C），已持续 {held_min:.0f} 分钟",
        "Warmer than usual with this person: {body_temp_c:.1f} °C (usually {usual_c:.1f} °C), for {held_min:.0f} min",
    ),
    "fever.skin": Reason(
        "皮肤温度持续高于本人平时：{skin_temp_c:.1f} °C（平时不超过 {usual_skin_c:.1f} °C），已持续 {held_min:.0f} 分钟，请测体温",
        "The skin is warmer than usual with this person: {skin_temp_c:.1f} °C (usually up to {usual_skin_c:.1f} °C), for {held_min:.0f} min; take the temperature",
    ),
    "fever.over": Reason("体温恢复，或设备已换人使用", "The temperature is as it should be again, or somebody else is measured"),
    "wandering.crossings": Reason(
        "夜间入户门在 {within_min:.0f} 分钟内打开 {crossings:.0f} 次", "The entrance door opened {crossings:.0f} times within {within_min:.0f} min at night"
    ),
    "wandering.calm": Reason("入户门已安静 {calm_min:.0f} 分钟", "The entrance door has been quiet for {calm_min:.0f} min"),
    "long_bathroom.staying": Reason(
        "在卫生间已 {stay_min:.0f} 分钟，仍有动静（界限 {limit_min:.0f} 分钟）",
        "In the bathroom for {stay_min:.0f} min, and still moving there (limit {limit_min:.0f} min)",
    ),
    "long_bathroom.silent": Reason(
        "进卫生间已 {stay_min:.0f} 分钟，别处没有动静（界限 {limit_min:.0f} 分钟）",
        "Went to the bathroom {stay_min:.0f} min ago and was seen nowhere else since (limit {limit_min:.0f} min)",
    ),
    "long_bathroom.left": Reason("已离开卫生间（{room}）", "Out of the bathroom ({room})"),
    "bed_exit.out": Reason(
        "夜间离床 {out_min:.0f} 分钟未回，别处没有动静", "Left the bed at night {out_min:.0f} min ago, is not back and was seen nowhere else"
    ),
    "bed_exit.out_long": Reason(
        "夜间离床已 {out_min:.0f} 分钟未回，别处没有动静，可能需要帮助",
        "Left the bed at night {out_min:.0f} min ago, is not back and was seen nowhere else: may need help",
    ),
    "bed_exit.back": Reason("已回到床上", "Back in bed"),
    "bed_exit.seen": Reason("离床后在别处有动静（{room}）", "Up, and seen elsewhere ({room})"),

    "area_offline.homes": Reason(
        "{area} 区域内 {homes} 户先后失联，仍有 {away} 户未恢复", "{homes} homes of area {area} fell silent together; {away} are silent still"
    ),
    "device_silent.silent": Reason(
        "设备（{role}）已 {silent_min:.0f} 分钟没有消息（界限 {limit_min:.0f} 分钟）",
        "A device ({role}) has said nothing for {silent_min:.0f} min (limit {limit_min:.0f} min)",
    ),
    "device_silent.offline": Reason("设备（{role}）离线", "A device ({role}) is offline"),
    "device_silent.back": Reason("设备（{role}）恢复", "The device ({role}) is back"),

    "canary.heard": Reason("全程自检信号（{lane} 通道）", "A canary (lane {lane})"),

    "detector_error.raised": Reason(
        "程序故障：{detector} 无法处理本户的数据，该项监测可能失效（{error}）",
        "A program fault: {detector} cannot handle this home's data and may not watch it ({error})",
    ),
}  # fmt: skip
"""Every key that a shipped detector gives, by detector."""

CHANGES: dict[str, Reason] = {
    "case.raised": Reason("新警情：优先级 P{priority}，证据 {score} 分", "New case: priority P{priority}, evidence {score}"),
    "case.raised_again": Reason(
        "结束后再次报警，关联前一警情：优先级 P{priority}，证据 {score} 分", "Raised again after it was finished: priority P{priority}, evidence {score}"
    ),
    "case.asking": Reason(
        "新警情：优先级 P{priority}，证据 {score} 分，先询问住户和亲属 {wait_s:.0f} 秒",
        "New case: priority P{priority}, evidence {score}; the resident and kin are asked first, for {wait_s:.0f} s",
    ),
    "case.asked": Reason("第 {round} 次询问：发出 {sent}，失败 {failed}", "Asked, round {round}: {sent} sent, {failed} failed"),
    "case.answered": Reason("{who} 的回答：{answer}", "{who} answered: {answer}"),
    "case.well": Reason("{who} 回答：平安", "{who} says that all is well"),
    "case.help": Reason("{who} 回答：需要帮助", "{who} says that help is needed"),
    "case.unsure": Reason("{who} 的回答听不清，转入队列，升一级", "What {who} said is not clear: into the queue, one rung higher"),
    "case.no_answer": Reason("询问 {asked_s:.0f} 秒无人回答，转入队列，升至第 {rung} 级", "Nobody answered within {asked_s:.0f} s: into the queue at rung {rung}"),
    "case.cannot_ask": Reason("无人可问（没有电话、亲属应用或语音网关），直接转入队列", "Nobody can be asked (no telephone, kin's app or voice gateway): into the queue"),
    "case.asked_enough": Reason(
        "24 小时内已询问该户 {asked} 次，不再打扰：未询问，直接转入队列", "This home was asked about {asked} cases within 24 h: not asked again, into the queue"
    ),
    "case.asking_broken": Reason("新信号（{detector}）：不再等待回答，转入队列", "A new signal ({detector}): no more waiting for an answer, into the queue"),
    "case.test": Reason("测试警情，不计入统计", "A test; it never counts"),
    "case.signal": Reason("新信号（{detector}）：证据 {score_before} → {score} 分", "A new signal ({detector}): evidence {score_before} → {score}"),
    "case.gathered": Reason(
        "同一机构 24 小时内已有 {residents} 位住户有此信号（{who}），归入同一警情：证据 {score_before} → {score} 分",
        "{residents} residents of one institution within 24 h ({who}), gathered in one case: evidence {score_before} → {score}",
    ),
    "case.revised": Reason("信号更新（{detector}）：证据 {score_before} → {score} 分", "A signal changed ({detector}): evidence {score_before} → {score}"),
    "case.priority": Reason(
        "优先级上升：P{priority_before} → P{priority}（{detector}，证据 {score} 分）",
        "Priority rose: P{priority_before} → P{priority} ({detector}, evidence {score})",
    ),
    "case.withdrawn": Reason(
        "信号撤回（{detector}）：证据 {score_before} → {score} 分，警情仍需人工处置",
        "A signal was withdrawn ({detector}): evidence {score_before} → {score}; a person still has to close it",
    ),
    "case.contradicted": Reason(
        "另一信号与之矛盾（{detector}）：证据 {score_before} → {score} 分，优先级不降，仍需人工处置",
        "Another signal contradicts it ({detector}): evidence {score_before} → {score}; the priority stays, a person still has to close it",
    ),
    "case.signal_off": Reason("设备报告状态结束（{detector}）", "The device says that it is over ({detector})"),
    "case.off": Reason("设备恢复（{detector}），若保持恢复将自动关闭", "The device is back ({detector}); closes by itself if it stays so"),
    "case.after": Reason("结束后信号有更新", "A signal changed after the case was finished"),
    "case.claimed": Reason("{desk_id} 受理，等待了 {waited_s:.0f} 秒", "Claimed by {desk_id} after {waited_s:.0f} s"),
    "case.renewed": Reason("坐席仍在处理", "The operator is still on it"),
    "case.released": Reason("{desk_id} 退回队列", "Given back by {desk_id}"),
    "case.lease_lost": Reason("{desk_id} 超时未操作，退回队列首位", "{desk_id} showed no activity: back to the top of the queue"),
    "case.left": Reason("{desk_id} 已离岗，退回队列首位", "{desk_id} left: back to the top of the queue"),
    "case.went_silent": Reason(
        "{desk_id} 的席位失去联系，退回队列首位", "{desk_id}'s desk was heard no more: back to the top of the queue"
    ),
    "case.taken_over": Reason("交班：挂起由 {desk_id} 交给 {successor}", "Hand-over: the hold passes from {desk_id} to {successor}"),
    "case.noted": Reason("备注", "Note"),
    "case.stepped": Reason("已完成步骤：{step_zh}", "Done: {step_en}"),
    "case.step_undone": Reason("取消步骤：{step_zh}", "Not done after all: {step_en}"),
    "case.called": Reason("拨打{whom_zh}：{result_zh}", "Called {whom_en}: {result_en}"),
    "case.escalated_by_hand": Reason("{desk_id} 请求支援，升级至第 {rung} 级：{who}", "{desk_id} asked for help: rung {rung}, {who}"),
    "case.verifying": Reason("正在核实", "Verifying"),
    "case.dispatched": Reason("已派人", "A responder was sent"),
    "case.on_scene": Reason("人员已到场", "The responder is there"),
    "case.held": Reason("挂起 {hold_s:.0f} 秒", "On hold for {hold_s:.0f} s"),
    "case.hold_ended": Reason("挂起结束，重新报警", "The hold is over: it alarms again"),
    "case.hold_broken": Reason("新信号（{detector}）结束挂起，{desk_id} 请立即处理", "A new signal ({detector}) ends the hold at {desk_id}'s desk"),
    "case.shelved": Reason("{desk_id} 搁置 {shelf_s:.0f} 秒", "Shelved by {desk_id} for {shelf_s:.0f} s"),
    "case.shelf_ended": Reason("搁置时间已到，重新报警", "The time on the shelf is over: it alarms again"),
    "case.shelf_broken": Reason("新信号（{detector}）结束搁置", "A new signal ({detector}) takes it off the shelf"),
    "case.escalated": Reason(
        "{waited_s:.0f} 秒无人受理，升级至第 {rung} 级：{who}", "Unclaimed for {waited_s:.0f} s: rung {rung}, {who} (due at {after_s:.0f} s)"
    ),
    "case.resolved": Reason("处置完成：{outcome_zh}", "Resolved: {outcome_en}"),
    "case.looked": Reason("{desk_id} 复核通过", "{desk_id} had the second look and agrees"),
    "case.followed_up": Reason("已回访，关闭", "Followed up: closed"),
    "case.follow_up_due": Reason("约定的回访时间已到，尚未回访：重新打开", "The promised follow-up is due and was not made: reopened"),
    "case.not_looked_at": Reason("P1 警情无人复核：重新打开", "A P1 that nobody else has looked at: reopened"),
    "case.notified": Reason("已通知 {recipient}（第 {rung} 级）", "{recipient} was told (rung {rung})"),
    "case.not_notified": Reason("通知 {recipient} 失败（第 {attempt} 次）", "{recipient} could not be told (attempt {attempt})"),
    "case.notice_limited": Reason("{recipient} 的通知已达上限，未发送", "{recipient} was not told: the limit of messages or of cost is reached"),
    "case.question_pushed": Reason("询问已推送至 {recipient}", "The question was shown at {recipient}"),
    "case.question_not_pushed": Reason("询问未能推送至 {recipient}（应用内可见）", "The question could not be shown at {recipient} (it stands in the app)"),
    "case.nobody_to_tell": Reason(
        "第 {rung} 级现在没有可通知的人（无人登记、无人值班或已暂停）", "Nobody can be told at rung {rung} now: none on the list, on duty and not paused"
    ),
    "case.announced": Reason("入库之前已通知 {recipient}", "{recipient} was told before the case was recorded"),
    "case.reopened": Reason("重新打开", "Reopened"),
    "case.still_on": Reason("回访时间已到，设备仍在报警：重新打开", "The follow-up time is over and the devices still say so: reopened"),
    "case.area_offline": Reason(
        "{area} 区域内 {homes} 户先后失联，仍有 {away} 户未恢复", "{homes} homes of area {area} fell silent together; {away} are silent still"
    ),
    "case.area_back": Reason("{area} 区域内 {homes} 户全部恢复", "All {homes} homes of area {area} are back"),
    "case.merged": Reason("并入 {area} 区域失联事件（{into}）", "Folded into the incident of area {area} ({into})"),
    "case.merged_by_hand": Reason("{desk_id} 将本警情并入另一件（{into}）", "{desk_id} folded it into another one ({into})"),
    "case.took_in": Reason("{desk_id} 将另一件警情（{from}）并入：优先级 P{priority}", "{desk_id} folded another case ({from}) into it: priority P{priority}"),
    "case.unmerged": Reason("区域失联事件（{into}）已关闭，本户仍失联", "The incident ({into}) is closed, this home is silent still"),
    "case.restored": Reason("设备保持恢复，自动关闭", "The device stayed back: closed by restoral"),
    "case.closed": Reason("回访时间已到，关闭", "The follow-up time is over: closed"),
    "case.suspended": Reason("停用期内的警情：记录、显示、不鸣响，至 {until}", "Raised while out of service: recorded and shown, does not ring until {until}"),
    "case.window_ended": Reason("停用期结束：开始报警", "The time out of service is over: it alarms"),
    "case.window_broken": Reason("未停用的设备也报警（{detector}）：开始报警", "Something that is in service says so too ({detector}): it alarms"),
    "telephone.call": Reason("有人来电", "Somebody rang the centre up"),
    "telephone.missed": Reason("来电响了 {rung_s:.0f} 秒无人接听", "A call rang for {rung_s:.0f} s and nobody took it"),
    "case.opened_by_call": Reason("{desk_id} 接听来电后开案：优先级 P{priority}", "Opened by {desk_id} from a telephone call: priority P{priority}"),
    "case.call_joined": Reason("{desk_id} 又接到来电，并入本案", "{desk_id} took another call about it: joined to this case"),
    "case.call_missed": Reason("来电无人接听，自动开案：优先级 P{priority}", "A call that nobody took became a case by itself: priority P{priority}"),
    "case.tied": Reason("{desk_id} 查明来电住户：{home}", "{desk_id} found out whose call it was: home {home}"),
    "window.over": Reason("停用期已到期，请确认恢复正常（{note}）", "The time out of service is over; make sure that all works again ({note})"),
}  # fmt: skip
"""Every reason that a change of a case may have; the numbers come from the audit row's facts. A test compares."""

EVIDENCE: dict[str, Reason] = {
    "evidence.first": Reason("最可信的信号：{detector}，{score:.0f} 分", "The surest signal: {detector}, {score:.0f}"),
    "evidence.agrees": Reason(
        "+1：另一设备的{detector}在 {apart_s:.0f} 秒内同样报告", "+1: {detector}, another device, says so within {apart_s:.0f} s"
    ),
    "evidence.both_hold": Reason("+1：{detector}此刻同样成立", "+1: {detector} holds at this moment as well"),
    "evidence.gathered": Reason("+1：另一住户也有{detector}（{resident}）", "+1: {detector} of another resident as well ({resident})"),
    "evidence.supports": Reason("+1：{detector}支持这一判断", "+1: {detector} supports it"),
    "evidence.contradicts": Reason("−1：{detector}与之矛盾（不会降到 1 分以下）", "−1: {detector} contradicts it (never below 1)"),
    "evidence.withdrawn": Reason("不计：{detector}已撤回", "Not counted: {detector} was withdrawn"),
    "evidence.again": Reason("不另计：{detector}再次报告，是同一种判断", "Not counted again: {detector} said so once more, which is the same doubt"),
    "evidence.same_device": Reason("不另计：{detector}出自同一设备", "Not counted again: {detector} is on the same device"),
    "evidence.apart": Reason("不计：{detector}的时间相隔太久", "Not counted: {detector} is too far apart in time"),
    "evidence.unsure": Reason("不计：{detector}自身没有把握", "Not counted: {detector} is not sure of anything by itself"),
}  # fmt: skip
"""Why a case has its evidence score: the first signal, what adds to it, what takes away, what does not count. A test compares."""

WORDS: dict[str, str] = {
    "entrance": "门厅", "living": "客厅", "bedroom": "卧室", "kitchen": "厨房", "bathroom": "卫生间", "dining": "餐厅", "corridor": "走廊",
    "balcony": "阳台", "other": "其他",
    "motion": "人体感应", "entrance_door": "入户门磁", "door": "门磁", "window": "窗磁", "radar": "雷达", "bed": "床垫", "chair": "座椅",
    "stove": "灶具", "plug": "插座", "light": "灯", "tap": "水龙头", "water_meter": "水表", "wearable": "手环", "pendant": "吊坠",
    "smoke": "烟感", "gas": "燃气报警器", "co": "一氧化碳报警器", "leak": "漏水传感器", "thermometer": "温度计", "fridge": "冰箱",
    "holding": "保温柜", "hub": "网关", "hood": "油烟机",
    "call": "求助按钮", "fall_room": "房间跌倒传感器", "fall_wearable": "手环跌倒", "inactivity": "无生活迹象", "stove_unattended": "灶具无人看管",
    "carbon_monoxide": "一氧化碳", "water_running": "长时间流水", "night_door": "夜间外出", "device_silent": "设备失联",
    "detector_error": "监测程序故障",
    "heat": "室温过高", "water_unused": "久未用水", "fridge_open": "冰箱门未关", "cold_holding": "冷藏温度", "hot_holding": "热食保温",
    "freezer": "冷冻温度", "hood_off": "油烟机未开",
    "heart_rate": "心率异常", "spo2": "血氧过低", "temperature": "体温异常", "fever": "发热", "wandering": "夜间徘徊", "long_bathroom": "久留卫生间",
    "bed_exit": "夜间离床未回",
    "telephone": "电话", "first_desk": "首席坐席", "all_desks": "全部坐席", "supervisor_wall": "值班长与大屏", "backup_centre_kin": "备份中心与亲属",
    "incident_review": "事件复核",
    "out_of_service": "停用", "well": "平安", "help": "需要帮助", "unsure": "听不清", "silence": "无人应答", "resident": "住户",
    "block ended": "数据段结束", "gap": "数据中断", "saturated": "超量程", "too slow": "采样率过低",
}  # fmt: skip
"""Chinese for words in evidence (rooms, roles, detectors, …); in English they stand as they are."""


class _Lenient(Formatter):
    """A formatter to which nothing is an error: a missing name, or one of another type than its format, is shown as it is."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        return kwargs.get(key, "?") if isinstance(key, str) else "?"

    def format_field(self, value: Any, format_spec: str) -> Any:
        if isinstance(value, str):
            return WORDS.get(value, value) if self.language == "zh" else value.replace("_", " ")
        try:
            return format(value, format_spec)
        except (ValueError, TypeError):
            return str(value)


def sentence(key: str, evidence: Mapping[str, Any] | None = None, language: Language = "zh") -> str:
    """The sentence for a reason key with its numbers filled in. Never raises; an unknown key is returned as it is."""
    reason = REASONS.get(key) or CHANGES.get(key) or EVIDENCE.get(key)
    if reason is None:
        return key
    template = reason.en if language == "en" else reason.zh
    whose = (evidence or {}).get("resident")  # a case may gather the signals of several residents
    if whose is not None:
        template += "（住户 {resident}）" if language == "zh" else " (resident {resident})"
    try:
        return _Lenient(language).vformat(template, (), dict(evidence or {}))
    except (ValueError, TypeError, AttributeError, IndexError, KeyError):
        return template

"""What is asked of the resident (by a voice gateway) and of kin (in the app) before a desk hears of a case. Chinese first, then English."""

from contracts.detections import Family
from contracts.reasons import Reason

_WELL = "没事请说“我很好”或按 1，需要帮助请说“帮帮我”或按 2。"
_WELL_EN = 'If you are, say "I am well" or press 1; if you need help, say "help" or press 2.'

OF_RESIDENT: dict[Family, Reason] = {
    "fall": Reason(f"您好，这里是守望中心。设备提示您可能跌倒了，您还好吗？{_WELL}", f"This is the watch centre. You may have fallen. Are you well? {_WELL_EN}"),
    "no_life": Reason(f"您好，这里是守望中心。好一会儿没有您的动静了，您还好吗？{_WELL}", f"This is the watch centre. We have not noticed you for a while. Are you well? {_WELL_EN}"),
    "vitals": Reason(f"您好，这里是守望中心。您的测量值和平时不同，您还好吗？{_WELL}", f"This is the watch centre. Your readings are unlike your usual ones. Are you well? {_WELL_EN}"),
    "stove": Reason(f"您好，这里是守望中心。灶具开着，厨房好像没有人，请去看一下。您还好吗？{_WELL}", f"This is the watch centre. The stove is on and nobody seems to be in the kitchen. Please look after it. Are you well? {_WELL_EN}"),
}  # fmt: skip
ANY = Reason(f"您好，这里是守望中心。您还好吗？{_WELL}", f"This is the watch centre. Are you well? {_WELL_EN}")

OF_KIN: dict[Family, Reason] = {
    "fall": Reason("设备提示 {name} 可能跌倒了，不能确定。您知道他现在是否平安吗？", "{name} may have fallen; it is not certain. Do you know whether all is well?"),
    "no_life": Reason("好一会儿没有 {name} 的动静了。您知道他现在是否平安吗？", "{name} was not noticed for a while. Do you know whether all is well?"),
    "vitals": Reason("{name} 的测量值和平时不同。您知道他现在是否平安吗？", "Readings of {name} are unlike the usual ones. Do you know whether all is well?"),
    "stove": Reason("{name} 家的灶具开着，厨房好像没有人。您知道是否平安吗？", "The stove of {name} is on and nobody seems to be in the kitchen. Do you know whether all is well?"),
}  # fmt: skip
ANY_OF_KIN = Reason("您知道 {name} 现在是否平安吗？", "Do you know whether all is well with {name}?")


def of_resident(family: Family) -> Reason:
    """What a voice gateway says."""
    return OF_RESIDENT.get(family, ANY)


def of_kin(family: Family, name: str) -> Reason:
    """What kin read about a resident of that name."""
    asked = OF_KIN.get(family, ANY_OF_KIN)
    return Reason(asked.zh.replace("{name}", name), asked.en.replace("{name}", name))

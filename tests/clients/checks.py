"""What the Python clients share: the expected rows, and checks that say what failed."""

import os
import sys

PATIENTS = int(os.environ["PATIENTS"])
THROUGH_GATE = os.environ["AGAINST"] == "gate"

FAMILY = ["Wang", "Li", "Zhang", "Liu", "Chen", "Yang", "Huang"]
GIVEN = ["Wei", "Fang", "Min", "Jing", "Lei", "Jun", "Yan", "Tao", "Xia", "Bo", "Ning"]
COLUMNS = ["patient_id", "name", "id_card", "phone", "birth_date", "sex", "hospital_ward"]
VISIBLE = [p for p in range(1, PATIENTS + 1) if p % 10 != 0]  # every tenth lies in the VIP ward


def masked_name(p):
    name = FAMILY[p % 7] + " " + GIVEN[p % 11]
    return name[0] + "*" * (len(name) - 1)


def masked_id_card(p):
    return "*" * 14 + f"{p:06d}"[-4:]


def masked_phone(p):
    return "*" * 7 + f"{p * 104729 % 100000000:08d}"[-4:]


def ward(p):
    return "VIP" if p % 10 == 0 else "ABCD"[p % 4]


def check(what, got, want):
    if got != want:
        print(f"FAILED {what}\n  got  {got!r}\n  want {want!r}", flush=True)
        sys.exit(1)
    print(f"ok {what}", flush=True)


def check_that(what, holds, shown=""):
    check(what, True if holds else shown or False, True)


def check_refusal(what, sqlstate, message, want_state, want_reason):
    check(what, (sqlstate, message.startswith(f"portcullis[{want_reason}")), (want_state, True))

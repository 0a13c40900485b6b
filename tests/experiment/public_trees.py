"""Small trees with the layout of public data sets: names, variables, shapes, and what they should give."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import soundfile

N = 48
Truth = dict[str, np.ndarray]  # item -> samples


def signal(*seed: Any) -> np.ndarray:
    """Return a signal of its own for each name, whose samples any format holds to the bit."""
    random = np.random.default_rng(sum(ord(letter) * 31**k for k, letter in enumerate("".join(map(str, seed)))) % 2**32)
    return random.integers(-100, 100, N) / 128


def put(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def mat(root: Path, name: str, **variables: Any) -> None:
    scipy.io.savemat(put(root / name), variables, do_compression=True)


def cwru(root: Path) -> Truth:
    truth = {}
    numbers = [97, 98, 99, 100, 105, 130, 118, 119, 169, 197, 185, 209, 234, 222]
    for number in numbers:
        name = f"12k_DE/{number}_0.mat" if number % 2 else f"{number}.mat"
        made = {"DE": signal(number, 1), "FE": signal(number, 2)}
        stem = f"X{number:03}"
        variables = {f"{stem}_DE_time": made["DE"][:, None], f"{stem}RPM": 1796}
        if number != 118:  # some have no fan end
            variables[f"{stem}_FE_time"] = made["FE"][:, None]
            truth[f"{name}:FE"] = made["FE"]
        if number == 99:  # a real file of the set holds another's variable
            variables["X098_DE_time"] = -made["DE"][:, None]
            name = "99.mat"
            (root / name).parent.mkdir(exist_ok=True)
            truth["99.mat:FE"] = truth.pop("12k_DE/99_0.mat:FE")
        truth[f"{name}:DE"] = made["DE"]
        mat(root, name, **variables)
    return truth


def mfpt(root: Path) -> Truth:
    truth = {}
    for label in ("baseline", "OuterRaceFault", "InnerRaceFault_vload"):
        for number in (1, 2, 3):
            name, made = f"1 - {label}/{label}_{number}.mat", signal(label, number)
            bearing = {"sr": 48828.0 if "Inner" in label else 97656.0, "gs": made[:, None], "load": 270.0, "rate": 25.0}
            mat(root, name, bearing=bearing)
            truth[f"{name}:vibration"] = made
    return truth


def paderborn(root: Path) -> Truth:
    truth = {}
    for bearing in ("K001", "K002", "K003", "KA01", "KA04", "KA15", "KI01", "KI04", "KI14", "KB23", "KB24", "KB27"):
        stem = f"N{'15' if bearing[1] == '0' else '09'}_M07_F10_{bearing}_1"
        channels = np.zeros((1, 3), dtype=[("Name", object), ("Data", object)])
        made = {"phase_current_1": signal(stem, 1), "force": signal(stem, 2)[:4], "vibration_1": signal(stem, 3)}
        for place, (name, of) in enumerate(made.items()):
            channels[0, place] = (name, of[None, :])
        mat(root, f"{bearing}/{stem}.mat", **{stem[:31]: {"Info": "x", "Y": channels}})
        truth[f"{bearing}/{stem}.mat:vibration"] = made["vibration_1"]
        truth[f"{bearing}/{stem}.mat:current"] = made["phase_current_1"]
    return truth


def ottawa_2018(root: Path) -> Truth:
    truth = {}
    for name in (f"{state}-{way}-1" for state in "HIO" for way in "ABCD"):
        truth[f"{name}.mat:vibration"] = signal(name)
        mat(root, f"{name}.mat", Channel_1=signal(name)[:, None], Channel_2=signal(name, 2)[:, None])
    return truth


def uored_vafcls(root: Path) -> Truth:
    truth = {}
    for fault, first in (("I", 1), ("O", 6), ("B", 11), ("C", 16)):
        for bearing in range(first, first + 5):
            for name in (f"H_{bearing}_0", f"{fault}_{bearing}_1", f"{fault}_{bearing}_2"):
                matrix = np.stack([signal(name, column) for column in range(5)], axis=1)
                mat(root, f"{name}.mat", **{name: matrix})
                truth[f"{name}.mat:vibration"], truth[f"{name}.mat:sound"] = matrix[:, 0], matrix[:, 1]
    return truth


def jnu(root: Path) -> Truth:
    truth = {}
    for label in ("ib", "n", "ob", "tb"):
        for speed in (600, 800, 1000):
            name = f"{label}{speed}_{'3_' if label == 'n' else ''}2.csv"
            made = signal(name)
            put(root / name).write_text("".join(f"{sample}\n" for sample in made))
            truth[f"{name}:vibration"] = made
    return truth


def seu_gearbox(root: Path) -> Truth:
    truth = {}
    for label in ("ball", "comb", "health", "inner", "outer"):
        for speed, load in ((20, 0), (30, 2)):
            name = f"bearingset/{label}_{speed}_{load}.csv"
            matrix, mark = np.stack([signal(name, k) for k in range(8)], axis=1), "," if label == "ball" else "\t"
            rows = [mark.join(map(str, row)) + mark for row in matrix]
            put(root / name).write_text("\r\n".join([*(f"Title {k}:\tx" for k in range(15)), "Data", *rows]) + "\r\n")
            truth[f"{name}:planetary_x"], truth[f"{name}:parallel_x"] = matrix[:, 1], matrix[:, 5]
    put(root / "gearset/Miss_20_0.csv").write_text("x")
    return truth


def hust_hanoi(root: Path) -> Truth:
    truth = {}
    for defect in ("N", "I", "O", "B", "IO", "IB", "OB"):
        for kind in (4, 5, 6):
            name = f"{defect}{kind}02.mat"
            truth[f"{name}:vibration"] = signal(name)
            mat(root, name, data=signal(name)[:, None], fs=51200)
    return truth


def hust_wuhan(root: Path) -> Truth:
    truth = {}
    for name in ("H_20Hz", "H_65Hz", *(f"{half}{fault}_20Hz" for half in ("0.5X_", "") for fault in "BICO")):
        matrix = np.stack([signal(name, k) for k in range(5)], axis=1)
        rows = ["\t".join(map(str, row)) for row in matrix]
        put(root / f"{name}.xls").write_text("\n".join([*(f"Title {k}" for k in range(22)), *rows]) + "\n")
        for place, channel in enumerate("xyz", 2):
            truth[f"{name}.xls:{channel}"] = matrix[:, place]
    return truth


def mafaulda(root: Path) -> Truth:
    truth = {}
    faults = [("imbalance", "10g"), ("horizontal-misalignment", "1.0mm"), ("vertical-misalignment", "1.27mm")]
    faults += [(f"underhang/{fault}", "6g") for fault in ("ball_fault", "cage_fault", "outer_race")]
    folders = [f"{fault}/{size}" for fault, largest in faults for size in ("0g", "2g", largest)]
    for name in (*(f"normal/{12 + k}.288.csv" for k in range(3)), *(f"{folder}/13.1072.csv" for folder in folders)):
        matrix = np.stack([signal(name, k) for k in range(8)], axis=1)
        put(root / name).write_text("".join(",".join(map(str, row)) + "\n" for row in matrix))
        for channel, place in (("underhang", 1), ("overhang", 4), ("sound", 7)):
            truth[f"{name}:{channel}"] = matrix[:, place]
    return truth


def dirg(root: Path) -> Truth:
    truth = {}
    for bearing, speeds in (("C0A", (100, 200, 300)), *((f"C{k}A", (100,)) for k in range(1, 7))):
        for speed in speeds:
            name = f"{bearing}_{speed}_502_1"
            matrix = np.stack([signal(name, k) for k in range(6)], axis=1)
            mat(root, f"{name}.mat", **{name: matrix})
            truth[f"{name}.mat:A1"], truth[f"{name}.mat:A2"] = matrix[:, 0], matrix[:, 3]
    return truth


def mimii(root: Path) -> Truth:
    truth = {}
    for machine in ("id_00", "id_02", "id_04", "id_06"):
        for label in ("normal", "abnormal"):
            name = f"fan/{machine}/{label}/00000000.wav"
            matrix = np.stack([signal(name, k) for k in range(8)], axis=1)
            soundfile.write(put(root / name), matrix, 16000, subtype="PCM_16")
            truth[f"{name}:sound"] = matrix[:, 0]
    return truth


def dcase_task2(root: Path) -> Truth:
    truth = {}
    for machine in ("id_00", "id_02", "id_04"):
        for name in (f"fan/train/normal_{machine}_0.wav", f"fan/test/anomaly_{machine}_0.wav"):
            soundfile.write(put(root / name), signal(name), 16000, subtype="PCM_16")
            truth[f"{name}:sound"] = signal(name)
    return truth


def xjtu_sy(root: Path) -> Truth:
    truth = {}
    for condition, folder in enumerate(("35Hz12kN", "37.5Hz11kN", "40Hz10kN"), 1):
        for name in (f"{folder}/Bearing{condition}_{k}/{n}.csv" for k in range(1, 6) for n in (1, 2, 3, 9, 10)):
            rows = np.stack([signal(name, 1), signal(name, 2)], axis=1)
            head = "Horizontal_vibration_signals,Vertical_vibration_signals\n"
            put(root / name).write_text(head + "".join(f"{x},{y}\n" for x, y in rows))
            truth[f"{name}:horizontal"], truth[f"{name}:vertical"] = rows[:, 0], rows[:, 1]
    return truth


def pronostia(root: Path) -> Truth:
    truth = {}
    sets = {"Learning_set": ("1_1", "1_2", "2_1"), "Test_set": ("1_3",), "Full_Test_Set": ("1_3", "1_4", "2_3")}
    for name in (f"{of}/Bearing{k}/acc_{n:05}.csv" for of, those in sets.items() for k in those for n in range(1, 6)):
        times = np.tile([9.0, 39, 39, 65664], (N, 1))
        rows, mark = np.column_stack([times, signal(name, 1), signal(name, 2)]), ";" if "1_4" in name else ","
        put(root / name).write_text("".join(mark.join(f"{cell:.7f}" for cell in row) + "\n" for row in rows))
        if not name.startswith("Test_set"):
            truth[f"{name}:horizontal"], truth[f"{name}:vertical"] = rows[:, 4], rows[:, 5]
    put(root / "Learning_set/Bearing1_1/temp_00001.csv").write_text("9,39,39,6,61.5\n")
    return truth


def ims(root: Path) -> Truth:
    truth = {}
    for test, day, n_columns in (("1st_test", "2003.10.2", 8), ("2nd_test", "2004.02.1", 4)):
        for name in (f"{test}/{day}{n}.12.06.24" for n in range(5)):
            matrix = np.stack([signal(name, k) for k in range(n_columns)], axis=1)
            put(root / name).write_text("".join("\t".join(f"{cell:.7f}" for cell in row) + "\r\n" for row in matrix))
            truth |= (
                {f"{name}:a": matrix[:, 4], f"{name}:b": matrix[:, 6]}
                if n_columns == 8
                else {f"{name}:a": matrix[:, 0]}
            )
    put(root / "Readme Document for IMS Bearing Data.pdf").write_bytes(b"%PDF")
    return truth


TREES: dict[str, Callable[[Path], Truth]] = {
    "cwru": cwru,
    "mfpt": mfpt,
    "paderborn": paderborn,
    "ottawa-2018": ottawa_2018,
    "uored-vafcls": uored_vafcls,
    "jnu": jnu,
    "seu-gearbox": seu_gearbox,
    "hust-hanoi": hust_hanoi,
    "hust-wuhan": hust_wuhan,
    "mafaulda": mafaulda,
    "dirg": dirg,
    "mimii": mimii,
    "dcase-task2": dcase_task2,
    "xjtu-sy": xjtu_sy,
    "pronostia": pronostia,
    "ims": ims,
}

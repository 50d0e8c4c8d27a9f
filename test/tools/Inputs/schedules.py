"""usage: schedules.py many FILE | hostile FOLDER: text of schedules, right and wrong."""
import json
import pathlib
import sys

ROW = {"kernel": "k_00ff", "cpu": "some cpu", "target": "x86-64-linux", "threads": 2, "compiler": "0.1.0 00", "dims": "B=1",
       "setting": "mb=96", "before": 1.0, "after": 0.5, "gain": 2.0, "roof": 0.1, "launches": 1, "trials": 3, "why": ""}


def text(*rows):
    return json.dumps({"format": "tintype schedules 1", "schedules": rows})


if sys.argv[1] == "many":
    pathlib.Path(sys.argv[2]).write_text(text(*({**ROW, "kernel": f"k_{i:08x}"} for i in range(400))))
else:
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir()
    bad = {
        "deep": "[" * 200000, "empty": "", "format": text(ROW).replace("schedules 1", "schedules 9"),
        "kernel": text({**ROW, "kernel": "k_'; drop table winner; --"}), "escape": text({**ROW, "cpu": "\x1b[2J"}),
        "value": text({**ROW, "setting": "mb=7"}), "name": text({**ROW, "setting": "rm=1"}),
        "infinite": text({**ROW, "gain": float("inf")}), "threads": text({**ROW, "threads": 10**9}),
    }
    for name, content in bad.items():
        (folder / f"{name}.json").write_text(content)

"""How benchmarks read the bearings of HIT-SM: folds of unseen severity. SEED and DATA are replaced."""

RIGS = ("self-built", "spectraquest")
CLASSES = ("normal", "inner_race", "outer_race")
HIT_SM = f"""\
seed: SEED
dataset:
  kind: manifest
  path: DATA
  columns: {{motor: motor_id}}
  series_length: 65536
  domains: [{", ".join(RIGS)}]
  classes: [{", ".join(CLASSES)}]
split:
  kind: named
  validation: none
  folds:
    "2": ["*-IR2", "*-OR2", "*-Normal-600"]
    "5": ["*-IR5", "*-OR5", "*-Normal-900"]
    "8": ["*-IR8", "*-OR8", "*-Normal-1200"]
audit: {{accept: [dc_offset]}}
scaling: {{by: item}}
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # two busy-waiting pools on two cores cost a factor of 18

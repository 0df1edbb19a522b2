"""Published networks in plain PyTorch, under the state-dict keys of their checkpoints; they import torch only."""

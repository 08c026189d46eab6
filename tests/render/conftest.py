"""What is run by hand is not collected."""

collect_ignore = ["data/torch_gradients.py"]  # needs PyTorch

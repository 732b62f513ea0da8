"""The framework on trial: every defect of the reference gateway is found, and a healthy one is never blamed."""

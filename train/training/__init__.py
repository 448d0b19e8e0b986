"""Training of networks: configuration, augmentation, fitting, export and calibration."""

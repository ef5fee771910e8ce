"""Train and fine-tune the embedded model: data sets, augmentation, losses, schedule, checkpoints, export."""

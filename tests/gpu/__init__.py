"""What needs a real GPU, or stands in for one where there is none."""

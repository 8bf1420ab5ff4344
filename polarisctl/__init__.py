"""The Polaris client. Importing this package does nothing."""

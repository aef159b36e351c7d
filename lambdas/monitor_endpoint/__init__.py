"""monitor_endpoint: each captured call is counted once, and each window of them is compared with the training rows."""

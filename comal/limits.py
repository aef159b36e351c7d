"""Sizes that more than one room has to agree on."""

# The largest file that validation reads. It is held on a function's disk together with its typed copy, and at the
# 10 to 20 MB/s that one Lambda core parses and writes, this takes most of the 15 minutes a function may run.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_FILE_BYTES = 2 << 30

# Disk (/tmp) of the function that validates, in MiB: the file, its Parquet copy and room to spare; AWS allows 10,240.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
VALIDATION_STORAGE_MB = 5120

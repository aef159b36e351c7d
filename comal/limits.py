"""Sizes that more than one room has to agree on."""

# The largest file that validation reads. It is held on a function's disk together with its typed copy; judging and
# writing it took 50 s at the 42 MB/s seen on one core of a development machine.
MAX_FILE_BYTES = 2 << 30

# Disk (/tmp) of the function that validates, in MiB: the file, its Parquet copy and room to spare; AWS allows 10,240.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
VALIDATION_STORAGE_MB = 5120

"""SageMaker on one machine, for anybody's container code: jobs, packages and endpoints as local processes."""

"""Work that is done without anybody waiting for it: batch jobs and load tests of deployments."""

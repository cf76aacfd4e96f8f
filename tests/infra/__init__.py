import infra  # noqa: F401 (it names Node, before the CDK that is imported here starts one)

"""The panels of a dashboard as numbers and charts; the same of AWS and of the local cloud.

`readings` asks and adds up, `text` says and draws numbers in a line, `chart` and `page` draw them.
Pure: the answers of CloudWatch come in, text goes out.
"""

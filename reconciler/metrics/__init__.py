"""The panels of a dashboard as numbers and charts; the same of AWS and of the local cloud.

`readings` asks and adds up; `text`, `chart`, `page` and `document` show what it found. Pure: the
answers of CloudWatch come in, text goes out.
"""

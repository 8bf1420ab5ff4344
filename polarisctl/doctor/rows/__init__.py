"""The rows of the doctor's table, by what they look at; `table` joins them."""

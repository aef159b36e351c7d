"""The algorithms that a recipe can name; each fits a matrix and saves its model without pickle."""

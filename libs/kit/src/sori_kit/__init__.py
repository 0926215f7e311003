"""What every Sori service needs and no service owns."""

"""What a touchpoint in normal form is, and what can become of a submitted one."""

"""What the pages show and how it reads, decided without any library."""

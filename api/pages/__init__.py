"""Pages: what a person sees, in the words of the venue. Rules live below; here entries become sentences."""

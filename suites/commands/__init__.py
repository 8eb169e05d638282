"""The command `lazyadam`: a file for each subject, and what each imports it imports when it is called."""

"""Other people's payloads taken as they come: one module for each dialect."""

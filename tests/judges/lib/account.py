"""The account of a simulated Twilio, which opens nothing else."""

SID, TOKEN = f"AC{1:032}", "5eb57a1c0ffee"
# Its API key, and what that goes with.
KEY = (f"SK{2:032}", "5eb57a1c0ffe7")
ENV = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN,
       "TWILIO_API_KEY_SID": KEY[0], "TWILIO_API_KEY_SECRET": KEY[1]}

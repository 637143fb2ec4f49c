CLOCK_FILE = "clock"
DEMO_FILE = "demo.json"

"""The shell: guards, rendering, navigation and what every page shares."""

"""The shell: access checks, rendering, navigation and everything else that all pages share."""

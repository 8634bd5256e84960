"""HTTP services and their cache, within bounds; knows no particular service or tool."""

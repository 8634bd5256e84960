"""What a training run leaves on disk; knows neither Ray nor OpenRLHF, nor who trains."""

"""What is written in files of many kinds; knows no benchmark."""

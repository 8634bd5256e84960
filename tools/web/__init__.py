"""Pages and search engines of the web, behind one shape each; knows no tool that uses them."""

"""What several bodies share."""

ID = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"
